"""How administrative acts (管理行为) read in the journal."""

from __future__ import annotations

from contracts.administration import AdministrationActed

TYPE = AdministrationActed.TYPE

ACTS: dict[str, tuple[str, str]] = {
    "account.opened": ("开立账号", "Account opened"),
    "account.role_changed": ("变更角色", "Role changed"),
    "account.department_changed": ("调整部门", "Department changed"),
    "account.post_given": ("任职", "Post given or ended"),
    "account.suspended": ("停用账号", "Account suspended"),
    "account.resumed": ("恢复账号", "Account resumed"),
    "account.closed": ("注销账号", "Account closed"),
    "account.reset": ("重置密码和第二因素", "Password and factors reset"),
    "department.registered": ("登记部门", "Department registered"),
    "party.registered": ("登记当事人", "Party registered"),
    "client.registered": ("接入部门系统", "Department system registered"),
    "client.removed": ("停用部门系统", "Department system removed"),
    "client.keys_changed": ("更换系统密钥", "Keys of a system changed"),
    "developer_app.approved": ("准予应用正式使用", "App let into production"),
    "developer_app.refused": ("不予应用正式使用", "App not let into production"),
    "developer_app.suspended": ("停用应用", "App suspended"),
    "developer_app.resumed": ("恢复应用", "App resumed"),
    "relying_party.registered": ("接入应用", "Application registered"),
    "relying_party.removed": ("停用应用", "Application removed"),
    "signing_key.rotated": ("更换签名密钥", "Signing key rotated"),
    "signing_key.revoked": ("吊销签名密钥", "Signing key revoked"),
    "data_request.granted": ("同意个人信息请求", "Data request granted"),
    "data_request.refused": ("不同意个人信息请求", "Data request refused"),
    "directory.imported": ("导入名录", "Directory imported"),
}


def act_title(act: str) -> tuple[str, str]:
    """Chinese and English; a code that is newer than this table is its own title."""
    return ACTS.get(act, (act, act))
