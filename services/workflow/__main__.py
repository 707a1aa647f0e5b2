"""``python -m services.workflow --role web|worker|jobs|all|migrate``."""

from chassis.run import main
from services.workflow.service import SERVICE

if __name__ == "__main__":
    main(SERVICE)
