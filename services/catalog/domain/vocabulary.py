"""Code lists of the catalogue (政务服务事项代码表): code -> (Chinese, English). Source: GB/T 39554, ZWFW C0109.

Topics (主题分类) are those of the national platform's exchange tables, user_topic_type and corp_topic_type; an agency may
have topics of its own besides.
"""

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
PERSON_TOPICS: Labels = {
    "005": ("生育收养", "Birth and adoption"),
    "010": ("户籍办理", "Household registration"),
    "015": ("民族宗教", "Ethnic and religious affairs"),
    "020": ("教育科研", "Education and research"),
    "025": ("入伍服役", "Military service"),
    "030": ("就业创业", "Employment and start-ups"),
    "035": ("设立变更", "Set-up and change of a business"),
    "040": ("准营准办", "Permission to operate"),
    "045": ("抵押质押", "Mortgages and pledges"),
    "050": ("职业资格", "Professional qualifications"),
    "055": ("行政缴费", "Administrative payments"),
    "060": ("婚姻登记", "Marriage registration"),
    "065": ("优待抚恤", "Preferential treatment and pensions"),
    "070": ("规划建设", "Planning and construction"),
    "075": ("住房保障", "Housing"),
    "085": ("社会保障（社会保险、社会救助）", "Social security (insurance and assistance)"),
    "090": ("证件办理", "Identity papers"),
    "095": ("交通出行", "Traffic and travel"),
    "100": ("旅游观光", "Tourism"),
    "105": ("出境入境", "Exit and entry"),
    "110": ("消费维权", "Consumer rights"),
    "115": ("公共安全", "Public safety"),
    "120": ("司法公证", "Justice and notaries"),
    "125": ("知识产权", "Intellectual property"),
    "130": ("环保绿化", "Environment and greening"),
    "135": ("文化体育", "Culture and sport"),
    "140": ("公用事业", "Public utilities"),
    "145": ("医疗卫生", "Health care"),
    "150": ("离职退休", "Leaving work and retirement"),
    "155": ("死亡殡葬", "Death and funerals"),
    "998": ("地方特色分类", "Local topics"),
    "999": ("其他", "Other"),
}
ORGANISATION_TOPICS: Labels = {
    "005": ("设立变更", "Set-up and change"),
    "010": ("准营准办", "Permission to operate"),
    "015": ("资质认证", "Qualification and certification"),
    "020": ("年检年审", "Annual inspection"),
    "025": ("税收财务", "Tax and finance"),
    "030": ("人力资源", "Human resources"),
    "035": ("社会保障", "Social security"),
    "040": ("投资审批", "Investment approval"),
    "045": ("融资信贷", "Financing and credit"),
    "050": ("抵押质押", "Mortgages and pledges"),
    "055": ("商务贸易", "Commerce and trade"),
    "060": ("招标拍卖", "Tenders and auctions"),
    "065": ("海关口岸", "Customs and ports"),
    "070": ("涉外服务", "Foreign-related services"),
    "075": ("农林牧渔", "Farming, forestry and fishery"),
    "085": ("国土和规划建设", "Land, planning and construction"),
    "090": ("交通运输", "Transport"),
    "095": ("环保绿化", "Environment and greening"),
    "100": ("应对气候变化", "Climate change"),
    "105": ("水务气象", "Water and weather"),
    "110": ("医疗卫生", "Health care"),
    "115": ("科技创新", "Science and innovation"),
    "120": ("文体教育", "Culture, sport and education"),
    "125": ("知识产权", "Intellectual property"),
    "130": ("民族宗教", "Ethnic and religious affairs"),
    "135": ("质量技术", "Quality and technology"),
    "140": ("检验检疫", "Inspection and quarantine"),
    "145": ("安全生产", "Safety at work"),
    "150": ("公安消防", "Public security and fire"),
    "155": ("司法公证", "Justice and notaries"),
    "160": ("公用事业", "Public utilities"),
    "165": ("法人注销", "Dissolution"),
    "170": ("档案文物", "Archives and relics"),
    "998": ("地方特色分类", "Local topics"),
    "999": ("其他", "Other"),
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
SERVICE_AREAS: Labels = {
    "1": ("全国", "Nationwide"),
    "2": ("跨省", "Across provinces"),
    "3": ("跨市", "Across cities"),
    "4": ("跨县", "Across counties"),
}
RESULT_ONLINE = "7"
ONLINE_DEPTHS: Labels = {
    "1": ("互联网咨询", "Enquiry"),
    "2": ("互联网收件", "Receipt of applications"),
    "3": ("互联网预审", "Pre-examination"),
    "4": ("互联网受理", "Acceptance"),
    "5": ("互联网办理", "Handling"),
    "6": ("互联网办理结果信息反馈", "Report of the result"),
    "7": ("互联网电子证照反馈", "Electronic licence"),
}
LIFE_EVENTS: Labels = {
    "birth": ("生育", "Birth"),
    "schooling": ("上学", "Going to school"),
    "studying": ("升学深造", "Higher education"),
    "military": ("入伍", "Military service"),
    "work": ("就业", "Work"),
    "qualification": ("职业资格", "Professional qualification"),
    "marriage": ("婚育", "Marriage"),
    "moving": ("迁居", "Moving"),
    "housing": ("住房", "Housing"),
    "abroad": ("出国", "Going abroad"),
    "illness": ("就医", "Illness"),
    "hardship": ("救助", "Hardship"),
    "retirement": ("退休", "Retirement"),
    "death": ("身后", "Death"),
    "opening": ("开办", "Opening an organisation"),
    "operating": ("运营", "Running it"),
    "changing": ("变更", "Changing it"),
    "closing": ("注销", "Closing it"),
}
"""人生大事 (全生命周期) of people and organisations. No national code list was found; the names are this platform's."""
PUBLIC = "public"
SECRECY: Labels = {
    "public": ("公开", "Public"),
    "internal": ("不予公开", "Not for the public"),
    "confidential": ("秘密", "Confidential"),
    "secret": ("机密", "Secret"),
    "top_secret": ("绝密", "Top secret"),
}
RISK_FIELDS: Labels = {
    "national_security": ("国家安全", "National security"),
    "public_security": ("公共安全", "Public safety"),
    "finance": ("金融业审慎监管", "Prudential supervision of finance"),
    "ecology": ("生态环境保护", "Ecology and environment"),
    "health": ("直接关系人身健康、生命财产安全", "Directly concerns health, life and property"),
    "foreign": ("重要涉外", "Important foreign affairs"),
    "high_risk": ("风险较大、纠错成本较高、损害难以挽回", "High risk, harm that cannot be undone"),
}
"""Fields in which 告知承诺 is not used. Source: 国办发〔2020〕42号."""
CHANNEL_KINDS: Labels = {
    "phone": ("电话", "Telephone"),
    "web": ("网站", "Website"),
    "app": ("移动端", "App"),
    "email": ("电子邮件", "E-mail"),
    "post": ("信函", "Letter"),
    "counter": ("窗口", "Counter"),
}
POLICY_KINDS: Labels = {
    "law": ("法律", "Law"),
    "regulation": ("行政法规", "Administrative regulation"),
    "local_regulation": ("地方性法规", "Local regulation"),
    "rule": ("规章", "Rule"),
    "document": ("规范性文件", "Normative document"),
    "standard": ("标准", "Standard"),
}
DELIVERY_WAYS: Labels = {
    "electronic": ("电子证照", "Electronic"),
    "post": ("邮寄", "By post"),
    "pick_up": ("窗口领取", "Collected at the counter"),
}
LIMIT_UNITS: Labels = {
    "working_day": ("工作日", "working days"),
    "day": ("日", "days"),
    "month": ("个月", "months"),
}
START_EVENTS: Labels = {
    "assigned": ("任务送达", "The task is assigned"),
    "received": ("收件", "The application is received"),
    "accepted": ("受理", "The application is accepted"),
    "batch_closed": ("受理期限终止", "The round of applications closes"),
}
STEP_KINDS: Labels = {
    "pre_review": ("预审", "Pre-review"),
    "acceptance": ("受理", "Acceptance"),
    "opinion": ("征求意见", "Opinion"),
    "examination": ("审查", "Examination"),
    "ruling": ("牵头部门裁决", "Ruling of the lead department"),
    "decision": ("决定", "Decision"),
    "delivery": ("送达", "Delivery"),
    "check": ("承诺核查", "Check of a commitment"),
}
RANKS: Labels = {
    "agency_head": ("本机关负责人", "Head of the agency"),
    "government_head": ("本级人民政府负责人", "Head of the government"),
}
LISTS: Mapping[str, Labels] = {
    "item_types": ITEM_TYPES,
    "exercise_levels": EXERCISE_LEVELS,
    "agency_kinds": AGENCY_KINDS,
    "power_sources": POWER_SOURCES,
    "service_objects": SERVICE_OBJECTS,
    "person_topics": PERSON_TOPICS,
    "organisation_topics": ORGANISATION_TOPICS,
    "handling_forms": HANDLING_FORMS,
    "case_kinds": CASE_KINDS,
    "result_kinds": RESULT_KINDS,
    "online_levels": ONLINE_LEVELS,
    "material_kinds": MATERIAL_KINDS,
    "material_forms": MATERIAL_FORMS,
    "material_sources": MATERIAL_SOURCES,
    "service_areas": SERVICE_AREAS,
    "online_depths": ONLINE_DEPTHS,
    "life_events": LIFE_EVENTS,
    "secrecy": SECRECY,
    "risk_fields": RISK_FIELDS,
    "channel_kinds": CHANNEL_KINDS,
    "policy_kinds": POLICY_KINDS,
    "delivery_ways": DELIVERY_WAYS,
    "limit_units": LIMIT_UNITS,
    "start_events": START_EVENTS,
    "step_kinds": STEP_KINDS,
    "ranks": RANKS,
}
MEDIA_TYPES = ("application/pdf", "image/jpeg", "image/png")
CATCH_ALL_NAMES = ("其他材料", "其它材料", "有关材料", "相关材料", "其他有关", "其他相关", "其他证明材料", "需要的其他")
