"""Codes of accounts in words."""

from __future__ import annotations

from portal.words import Word

STAFF_ROLES = {
    "officer": Word("部门经办人", "Officer of a department"),
    "hotline": Word("热线坐席", "Hotline agent"),
    "supervisor": Word("监察员", "Supervisor"),
    "system_admin": Word("系统管理员", "System administrator"),
    "security_admin": Word("安全管理员", "Security administrator"),
    "audit_admin": Word("审计管理员", "Audit administrator"),
}
ROLES = {"person": Word("申请人", "Applicant"), **STAFF_ROLES}
ACCOUNT_STATES = {
    "active": Word("正常", "Active", "good"),
    "suspended": Word("已停用", "Suspended", "warn"),
    "closed": Word("已注销", "Closed", "quiet"),
}
REASONS = {
    "transferred": Word("岗位调整", "Transferred"),
    "left": Word("离职或退休", "Left the service"),
    "long_unused": Word("长期不用", "Not used for long"),
    "compromised": Word("账号可能被他人使用", "Somebody else may use it"),
    "violation": Word("违反使用规定", "Rules were broken"),
    "error": Word("登记有误", "Entered wrongly"),
    "asked": Word("本人申请", "Asked for by its owner"),
}
FACTORS = {
    "totp": Word("动态口令", "Authenticator app"),
    "passkey": Word("通行密钥", "Passkey"),
    "recovery": Word("恢复码", "Recovery codes"),
}
