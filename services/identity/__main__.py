"""``python -m services.identity --role web|worker|jobs|all|migrate``."""

from chassis.run import main
from services.identity.service import SERVICE

if __name__ == "__main__":
    main(SERVICE)
