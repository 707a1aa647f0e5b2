"""What stands in the ledger, and what is said about its proof, in words."""

from __future__ import annotations

from portal.words import CARD_LEVELS, VERDICTS, Word

# What the fields of events are called; a field that is not named here stands for itself.
FIELDS = {
    "accept_by": Word("受理期限", "To be accepted by"),
    "accepted_on": Word("受理日期", "Accepted on"),
    "applicant_id": Word("申请人编号", "Applicant's number"),
    "aspects": Word("评价方面", "Aspects"),
    "card_no": Word("监察编号", "Card number"),
    "channel": Word("渠道", "Channel"),
    "code": Word("原因代码", "Reason code"),
    "decided_by": Word("决定人", "Decided by"),
    "decided_on": Word("决定日期", "Decided on"),
    "defects": Word("补正要求", "Corrections asked for"),
    "department": Word("部门", "Department"),
    "detail": Word("说明", "Detail"),
    "due_on": Word("期限", "Due on"),
    "given_on": Word("评价日期", "Given on"),
    "holder_id": Word("持有人编号", "Holder's number"),
    "issued_on": Word("签发日期", "Issued on"),
    "item_code": Word("实施编码", "Item code"),
    "item_name": Word("事项", "Item"),
    "item_version": Word("事项版本", "Version of the item"),
    "late": Word("逾期", "Late"),
    "level": Word("级别", "Level"),
    "licence_no": Word("证照标识", "Licence number"),
    "materials": Word("材料", "Materials"),
    "name": Word("名称", "Name"),
    "officer": Word("经办人", "Officer"),
    "opinion_id": Word("意见编号", "Number of the opinion"),
    "provisional": Word("期限为暂定", "Date is provisional"),
    "raised_on": Word("亮牌日期", "Raised on"),
    "reason": Word("理由", "Reason"),
    "remedy": Word("救济途径", "Remedies"),
    "round": Word("轮次", "Round"),
    "rule": Word("规则", "Rule"),
    "sha256": Word("文件指纹（SHA-256）", "SHA-256 of the file"),
    "step": Word("环节", "Step"),
    "submitted_by": Word("提交人编号", "Number of who submitted"),
    "task_id": Word("任务编号", "Task number"),
    "valid_until": Word("有效期至", "Valid until"),
    "verdict": Word("意见", "Opinion"),
}
# What the page says about the proof: the checker's own sentences by themselves, and the words around them.
PROOF_WORDS = {
    "tick": Word("✓ 相符", "✓ holds"),
    "cross": Word("✗ 不符", "✗ does not hold"),
    "unchecked": Word("未核验", "not checked"),
    "fine": Word(
        "您的浏览器已核验：全部记录与已签名的账本相符。",
        "Checked in your browser: every entry is in the signed ledger as shown.",
    ),
    "broken": Word(
        "核验不通过：这里显示的内容与已签名的账本不符，请勿采信。",
        "The proof does not hold: what is shown here is not what the signed ledger says. Do not rely on it.",
    ),
    "signed": Word(
        "记录、路径、承诺值、条数和签名都由您的浏览器重新计算。",
        "Entries, paths, commitments, the count and the signatures were all computed anew in your browser.",
    ),
    "unsigned": Word(
        "记录、路径、承诺值和条数由您的浏览器重新计算；您的浏览器不支持 Ed25519，签名由服务器核验。",
        "Entries, paths, commitments and the count were computed anew in your browser. It has no Ed25519: "
        "the server checked the signatures.",
    ),
    "the leaf is not in the tree at this place": Word(
        "记录不在账本的这个位置", "The entry is not in the ledger at this place"
    ),
    "seq, type or time is not the leaf's": Word(
        "显示的序号、类型或时间与记录不一致", "Number, type or time shown is not the entry's"
    ),
    "the leaf is of another case": Word("记录属于另一办件", "The entry is of another case"),
    "the payload does not open its commitment": Word("内容与承诺值不符", "The content does not open its commitment"),
    "the checkpoint is not this log's": Word("检查点不是本账本的", "The checkpoint is of another ledger"),
    "the signed count, case or tree size is another": Word(
        "已签名的条数、办件号或账本大小与此不符", "The signed count, case number or size of the ledger is another"
    ),
    "an entry of the case is missing or doubled": Word(
        "本件的记录有缺失或重复", "An entry of the case is missing or doubled"
    ),
    "the entries are out of order": Word("记录的顺序不对", "The entries are out of order"),
    "Unproven: a note does not carry the log's signature": Word(
        "没有本账本的有效签名", "The ledger's signature is missing or wrong"
    ),
    "a note does not carry the log's signature": Word(
        "没有本账本的有效签名", "The ledger's signature is missing or wrong"
    ),
}
CHANNELS = {
    "web": Word("网上", "Web"),
    "mobile": Word("手机", "Mobile"),
    "window": Word("窗口", "Counter"),
    "kiosk": Word("自助机", "Kiosk"),
    "hotline": Word("热线", "Hotline"),
    "api": Word("接口", "Interface"),
}
TABLES: dict[str, dict[str, Word]] = {"verdict": VERDICTS, "level": CARD_LEVELS, "channel": CHANNELS}
TRUTH = {True: Word("是", "Yes"), False: Word("否", "No")}


def proof_words() -> dict[str, str]:
    """``PROOF_WORDS`` in the language of the request, for the page and its script."""
    return {name: str(text) for name, text in PROOF_WORDS.items()}
