"""``python -m services.catalog``."""

from chassis.run import main
from services.catalog.service import SERVICE

if __name__ == "__main__":
    main(SERVICE)
