"""All faults: names, ranges, and where each shows."""

from typing import Final

from demo_app.catalogue.names import *  # noqa: F403  # every name, for `catalogue.WORKER_DOWN`
from demo_app.catalogue.resilience import RESILIENCE
from demo_app.catalogue.spec import CARRIED as CARRIED
from demo_app.catalogue.spec import FaultSpec as FaultSpec
from demo_app.catalogue.stores import STORES
from demo_app.catalogue.upkeep import UPKEEP
from demo_app.catalogue.work import WORK

SPECS: Final = (*WORK, *RESILIENCE, *STORES, *UPKEEP)
