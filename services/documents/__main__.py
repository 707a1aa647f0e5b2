"""``python -m services.documents --role web|worker|jobs|all|migrate``."""

from chassis.run import main
from services.documents.service import SERVICE

if __name__ == "__main__":
    main(SERVICE)
