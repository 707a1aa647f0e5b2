"""Metrics of identity. None says who it was."""

from __future__ import annotations

from chassis.metrics import Metrics

IDENTITY = Metrics("identity")

PASSWORD_HASHES = IDENTITY.counter(
    "tongban_identity_password_hashes_total", "Argon2id computations: sign-ins, of known and unknown names, and new accounts",
    "Argon2id 计算次数：登录（含不存在的用户名）和新账号", by="web jobs",
)  # fmt: skip
SIGN_INS = IDENTITY.counter(
    "tongban_sign_ins_total",
    "Sign-ins by way (password, second_factor, passkey, outside, client) and outcome (ok, failed, delayed)",
    "登录次数，按方式（密码、第二因素、通行密钥、外部身份、客户端）和结果（成功、失败、须等待）", ["kind", "outcome"], by="web",
)  # fmt: skip
ACCOUNTS = IDENTITY.gauge(
    "tongban_accounts", "Accounts that are not closed, by kind", "未注销的账号，按种类", ["kind"], by="jobs"
)
MESSAGES_SENT = IDENTITY.counter(
    "tongban_messages_sent_total", "Messages that a provider has taken", "服务商已接收的消息", ["channel"], by="jobs"
)
MESSAGES_FAILED = IDENTITY.counter(
    "tongban_messages_failed_total", "Messages given up", "放弃发送的消息", ["channel"], by="jobs"
)
MESSAGES_WAITING = IDENTITY.gauge(
    "tongban_messages_waiting",
    "Messages that are due, or will be tried again",
    "待发或将重发的消息",
    ["channel"],
    by="jobs",
)
