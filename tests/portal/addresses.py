"""Every page of the portal with who may see it. ``test_pages.py`` keeps the list complete."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from tests.portal.packaged import CODE as PACKAGE
from tests.portal.rig import APPLICANT, SHARED, SUPERVISOR, World

POLICE = "officer-police"
LEAD = "officer-education"
SYSTEM, SECURITY, AUDITOR = "administrator", "security", "auditor"


@dataclass(frozen=True)
class Place:
    """``address`` is filled from the world; ``username`` is a demo account, none for a stranger."""

    address: str
    username: str = ""
    status: int = 200

    def __str__(self) -> str:
        return f"{self.username or 'stranger'} {self.address}"

    def of(self, world: World) -> str:
        """The address in this world."""
        return self.address.format(**asdict(world))


ENROLMENT, RETIRED = "11339999YX0000016U4002005024000", "11339999YX0000016U4000105035000"
PUBLIC = (
    Place("/"),
    Place("/items"),
    Place("/items?q=11339999&topic=organisation-120"),
    Place("/items?q=nothing+of+that+kind"),
    Place("/items?q=xiaocheshiyonf"),  # a slip
    Place("/items/{item_code}"),
    Place(f"/items/{ENROLMENT}"),
    Place(f"/items/{RETIRED}"),
    Place("/packages"),
    Place("/packages?event=schooling"),
    Place("/packages?q=nothing+of+that+kind"),
    Place(f"/packages/{PACKAGE}"),
    Place("/packages/unknown", status=404),
    Place("/verify"),
    Place("/verify?licence_no=x", status=422),
    Place("/verify/{licence_no}"),
    Place("/verify/1.2.156.3005.2.1", status=404),
    Place("/figures"),
    Place("/components"),
    Place("/developers"),
    Place("/sign-in/done"),
    Place("/nothing-is-here", status=404),
)
CITIZEN = tuple(
    Place(address, APPLICANT)
    for address in (
        "/my",
        "/licences",
        "/acting",
        "/messages/preferences",
        "/apply/{item_code}",
        "/drafts/{draft}/form",
        "/drafts/{draft}/materials",
        "/drafts/{draft}/review",
        "/cases/{fresh}",
        "/cases/{running}",
        "/cases/{correcting}",
        "/cases/{withdrawn}",
        "/cases/{denied}",
        "/cases/{closed}",
        "/cases/{closed}/receipt",
        "/cases/{correcting}/correction",
        "/cases/{closed}/correction",
        "/cases/{running}/supplement",
        "/cases/{running}/withdrawal",
        "/cases/{closed}/rating",
        f"/packages/{PACKAGE}/apply",
        "/drafts/{package_draft}/form",
        "/drafts/{package_draft}/materials",
        "/drafts/{package_draft}/review",
        "/bundles/{bundle_no}",
        "/bundles/{bundle_no}/correction",
        "/bundles/{bundle_no}/withdrawal",
        "/appointments",
        "/appointments/new/{item_code}",
    )
)
DESK = (
    *(
        Place(address, POLICE)
        for address in ("/desk", "/desk/answered", "/desk/cases", "/desk/tasks/{task_id}", "/desk/tasks/{answered_id}")
    ),
    Place("/desk/cases?case_no=%2A", POLICE, status=422),
    Place("/desk/window", POLICE),
    Place("/desk/window?q=bus", POLICE),
    Place("/desk/window/{item_code}", POLICE),
    Place(f"/desk/window/packages/{PACKAGE}", POLICE),
    Place("/desk/sharing", LEAD),
    Place("/desk/sharing", POLICE),
    Place(f"/desk/sharing/resources/{SHARED}", LEAD),
    Place("/desk/sharing/applications/{sharing_id}", POLICE),
    Place("/desk/sharing/applications/{sharing_id}", LEAD),
    Place("/desk/appointments", LEAD),
    Place("/desk/appointments/new", LEAD),
    Place("/desk/cases/{running}/conduct", LEAD),
    Place("/desk/cases/{closed}/conduct", LEAD),
    Place("/desk/cases/{running}/conduct", POLICE, status=404),
)
AUDITING = (
    Place("/auditing", AUDITOR),
    Place("/auditing/journal", AUDITOR),
    Place("/auditing/journal?case_no={closed}", AUDITOR),
    Place("/auditing/journal?case_no=%2A", AUDITOR, status=422),
)
CATALOGUE = (
    Place("/catalogue/drafts", LEAD),
    Place("/catalogue/drafts?state=discarded", LEAD),
    Place("/catalogue/drafts/new?item={item_code}", LEAD),
    Place("/catalogue/drafts/{item_draft}", LEAD),
    Place("/catalogue/items/{item_code}", LEAD),
)
SUPERVISION = (
    *(
        Place(address, SUPERVISOR)
        for address in (
            "/supervision",
            "/supervision/cards",
            "/supervision/cases",
            "/supervision/cases/{closed}",
            "/supervision/cases/{correcting}",
        )
    ),
    Place("/supervision/cards?case_no=%2A", SUPERVISOR, status=422),
    Place("/supervision/cases/{item_code}202601010001", SUPERVISOR, status=404),
)
PERSONAL = tuple(
    Place(f"/personal{address}", APPLICANT)
    for address in (
        "",
        "/verification",
        "/contacts/mobile",
        "/contacts/email",
        "/contacts/mobile/code",
        "/disclosures",
        "/requests",
    )
)
ADMINISTRATION = (
    *(
        Place(f"/administration{address}", username)
        for username in (SYSTEM, SECURITY)
        for address in ("/accounts", "/accounts/new")
    ),
    Place("/administration/accounts?username=nobody&state=closed", SECURITY),
    Place("/administration/accounts?username=%2A", SECURITY),
    Place("/administration/accounts/{staff_id}", SECURITY),
    Place("/administration/accounts/{person_id}", SYSTEM),
    Place("/administration/accounts/unknown", SECURITY, status=404),
    Place("/administration/requests", SYSTEM),
    Place("/administration/requests/{request_id}", SYSTEM),
)
DEVELOPERS = (
    Place("/developers/apps/new", APPLICANT),
    Place("/developers/apps/{app_id}", APPLICANT),
    Place("/developers/apps/unknown", APPLICANT, status=404),
    Place("/developers/review", SYSTEM),
    Place("/developers/review?state=suspended", SYSTEM),
    Place("/developers/review/{app_id}", SYSTEM),
)
# Everybody's own settings and inbox, whatever kind of account; here each as it is for one of them.
OWN_ACCOUNT = (
    Place("/messages", APPLICANT),
    Place("/messages", POLICE),
    Place("/security", POLICE),
    *(
        Place(f"/security{page}", APPLICANT)
        for page in (
            "",
            "/notices",
            "/outside",
            "/password",
            "/totp",
            "/totp/removal",
            "/recovery-codes",
            "/passkeys/new",
        )
    ),
    Place("/security/passkeys/unknown", APPLICANT, status=404),
)
PAGES = (
    *PUBLIC, *CITIZEN, *DESK, *SUPERVISION, *PERSONAL, *ADMINISTRATION, *DEVELOPERS, *AUDITING, *CATALOGUE, *OWN_ACCOUNT,
)  # fmt: skip
