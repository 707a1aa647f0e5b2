"""Codes about persons in words."""

from __future__ import annotations

from portal.words import Word

# The numbers are 实名等级 of the interface; a case of an item asks for the one that its guide names.
LEVELS = {
    "2": Word("二级：自行填报，未经核验", "Level 2: as you stated it, not verified", "warn"),
    "3": Word("三级：姓名和号码已核验", "Level 3: name and number verified", "calm"),
    "4": Word("四级：三要素或证件已核验", "Level 4: three items or the card itself verified", "good"),
    "5": Word("五级：窗口现场核验", "Level 5: verified in person at a counter", "good"),
}
REGISTERS = {
    "population": Word("人口库", "Population register"),
    "enterprise": Word("法人库", "Enterprise register"),
    "counter": Word("窗口或自助终端", "Counter or kiosk"),
    "directory": Word("名录导入", "Directory file"),
    "guardianship": Word("监护关系", "Guardianship register"),
}
ANSWERS = {
    "match": Word("一致", "Match", "good"),
    "no_match": Word("不一致", "No match", "bad"),
    "unavailable": Word("未能核验", "No answer", "warn"),
}
THIRD_ITEMS = {
    "mobile": Word("在公安机关或运营商登记的手机号", "the mobile number that is registered to you"),
    "card_valid_until": Word("身份证有效期截止日", "the last day of your identity card"),
}
SHOWN_ITEMS = {
    "number": Word("公民身份号码或统一社会信用代码", "identity number or credit code"),
    "name": Word("姓名", "name"),
    "mobile": Word("手机号", "mobile number"),
    "email": Word("邮箱", "e-mail address"),
}
CONTACTS = {"mobile": Word("手机号", "Mobile number"), "email": Word("邮箱", "E-mail address")}
CONTACT_PENDING = Word("待验证", "Waiting for its code", "warn")
REQUEST_KINDS = {
    "correction": Word("更正", "Correction"),
    "erasure": Word("删除", "Erasure"),
}
REQUEST_STATES = {
    "open": Word("待答复", "Waiting for an answer", "warn"),
    "granted": Word("已办理", "Carried out", "good"),
    "refused": Word("不予办理", "Refused", "bad"),
}
