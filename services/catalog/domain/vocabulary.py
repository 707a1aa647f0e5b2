"""Code lists of the catalogue (政务服务事项代码表): code -> (Chinese, English). Source: GB/T 39554, ZWFW C0109."""

from __future__ import annotations

from collections.abc import Mapping

Labels = Mapping[str, tuple[str, str]]

LICENSING = "01"
ITEM_TYPES: Labels = {
    "01": ("行政许可", "Licensing"),
    "02": ("行政处罚", "Penalty"),
    "03": ("行政强制", "Compulsory measure"),
    "04": ("行政征收", "Levy"),
    "05": ("行政给付", "Benefit"),
    "06": ("行政检查", "Inspection"),
    "07": ("行政确认", "Confirmation"),
    "08": ("行政奖励", "Award"),
    "09": ("行政裁决", "Adjudication"),
    "10": ("其他行政权力", "Other power"),
    "20": ("公共服务", "Public service"),
}
EXERCISE_LEVELS: Labels = {
    "1": ("国家级", "National"),
    "2": ("省级", "Provincial"),
    "3": ("市级", "Municipal"),
    "4": ("县级", "County"),
    "5": ("镇（乡、街道）级", "Township"),
    "6": ("村（社区）级", "Village"),
    "7": ("分级管理", "Shared between levels"),
}
AGENCY_KINDS: Labels = {
    "1": ("法定机关", "Statutory authority"),
    "2": ("授权组织", "Authorised organisation"),
    "3": ("受委托组织", "Entrusted organisation"),
    "9": ("其他", "Other"),
}
POWER_SOURCES: Labels = {
    "1": ("法定本级行使", "Exercised at this level by law"),
    "2": ("上级下放", "Devolved"),
    "3": ("上级授权", "Authorised by a higher level"),
    "4": ("同级授权", "Authorised at the same level"),
    "5": ("上级委托", "Entrusted by a higher level"),
    "6": ("同级委托", "Entrusted at the same level"),
}
PERSON = "1"
SERVICE_OBJECTS: Labels = {
    "1": ("自然人", "Person"),
    "2": ("企业法人", "Enterprise"),
    "3": ("事业法人", "Public institution"),
    "4": ("社会组织法人", "Social organisation"),
    "5": ("行政机关", "Administrative organ"),
    "6": ("其他组织", "Other organisation"),
}
POST = "4"
HANDLING_FORMS: Labels = {
    "1": ("窗口办理", "At the counter"),
    "2": ("网上办理", "On the web"),
    "3": ("移动端办理", "On a mobile device"),
    "4": ("快递申请", "By post"),
    "9": ("其他", "Other"),
}
IMMEDIATE = "1"
CASE_KINDS: Labels = {
    "1": ("即办件", "Done while you wait"),
    "2": ("承诺件", "Within a committed limit"),
    "9": ("其他", "Other"),
}
CERTIFICATE = "10"
RESULT_KINDS: Labels = {
    "10": ("证照", "Certificate"),
    "20": ("批文", "Approval document"),
    "99": ("其他", "Other"),
}
OFFLINE, FULLY_ONLINE = "none", "IV"
ONLINE_LEVELS: Labels = {
    "none": ("不支持网上办理", "Not online"),
    "I": ("Ⅰ级：网上公布指南", "I: guide online"),
    "II": ("Ⅱ级：网上预审", "II: pre-examination online"),
    "III": ("Ⅲ级：网上受理，现场核验一次", "III: accepted online, one visit"),
    "IV": ("Ⅳ级：全程网办", "IV: wholly online"),
}
MATERIAL_KINDS: Labels = {
    "1": ("原件", "Original"),
    "2": ("复印件", "Copy"),
    "3": ("原件和复印件", "Original and copy"),
}
MATERIAL_FORMS: Labels = {
    "1": ("纸质", "Paper"),
    "2": ("电子", "Electronic"),
    "3": ("纸质和电子", "Paper and electronic"),
}
MATERIAL_SOURCES: Labels = {
    "10": ("申请人自备", "Applicant"),
    "20": ("政府部门核发", "Issued by government"),
    "99": ("其他", "Other"),
}
MEDIA_TYPES = ("application/pdf", "image/jpeg", "image/png")
CATCH_ALL_NAMES = ("其他材料", "其它材料", "有关材料", "相关材料", "其他有关", "其他相关", "其他证明材料", "需要的其他")
