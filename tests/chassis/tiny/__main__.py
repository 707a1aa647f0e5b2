from chassis.run import main
from tests.chassis.tiny.service import SERVICE

if __name__ == "__main__":
    main(SERVICE)
