"""``python -m services.audit``."""

from chassis.run import main
from services.audit.service import SERVICE

if __name__ == "__main__":
    main(SERVICE)
