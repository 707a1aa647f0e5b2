"""Metrics of audit."""

from __future__ import annotations

from chassis.metrics import Metrics

AUDIT = Metrics("audit")

LEDGER_ENTRIES = AUDIT.gauge(
    "tongban_ledger_entries", "Entries in the ledger at the last checkpoint", "上次检查点时台账的条目数", by="jobs"
)
LEDGER_TAMPERED = AUDIT.gauge(
    "tongban_ledger_tampered", "1 while stored rows do not match what was signed or hashed", "存储内容与签名或哈希不符时为 1",
    by="jobs",
)  # fmt: skip
LEDGER_UNSIGNED = AUDIT.gauge(
    "tongban_ledger_unsigned_entries", "Entries under no checkpoint yet", "尚无检查点覆盖的台账条目", by="jobs"
)
CHECKPOINT_AGE = AUDIT.gauge(
    "tongban_ledger_checkpoint_age_seconds", "Since the newest checkpoint was signed; there is a new one only for new entries",
    "距最新检查点签署的时间；有新条目才会签署", by="jobs",
)  # fmt: skip
BATCHES = AUDIT.counter(
    "tongban_exchange_batches_total", "Batches handed to hubs: sent, failed, confirmed, again",
    "上报对接平台的批次：已送、失败、已核对、重送", ["connector", "outcome"], by="jobs",
)  # fmt: skip
CARDS_RAISED = AUDIT.counter(
    "tongban_cards_raised_total", "Supervision cards raised, by rule and level", "已亮的监察牌，按规则和级别",
    ["rule", "level"], by="worker jobs",
)  # fmt: skip
CARDS_OPEN = AUDIT.gauge(
    "tongban_cards_open", "Cards for late answers whose task is still open, by level", "任务仍未答复的超期牌，按级别",
    ["level"], by="jobs",
)  # fmt: skip
COMPLAINTS_OPEN = AUDIT.gauge(
    "tongban_complaints_open", "Bad ratings within the time for following them up", "差评中仍在回访期限内的", by="jobs"
)
RATINGS = AUDIT.counter(
    "tongban_ratings_total",
    "Ratings given, 1 (very bad) to 5 (very good)",
    "好差评，1（很差）至 5（很好）",
    ["score"],
    by="web",
)
WITNESS_AGE = AUDIT.gauge(
    "tongban_witness_age_seconds", "Since the witness last cosigned the ledger; absent where there is no witness",
    "距见证人上次副署台账的时间；未设见证人则无此项", ["witness"], by="jobs",
)  # fmt: skip
WITNESS_REFUSALS = AUDIT.counter(
    "tongban_witness_refusals_total",
    "Times the witness refused: behind (it has seen more than the ledger now holds), inconsistent (it has seen another one)",
    "见证人拒绝副署：behind 台账比其所见更短，inconsistent 与其所见不符", ["reason"], by="jobs",
)  # fmt: skip
