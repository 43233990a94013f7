"""How raw samples become counts: pure functions, no input and no output.

The rule is that of an accountant who sees every scrape and knows which process answered it. `increases`
counts events, `coverage` says how much of a slot was measured.
"""

from sla_worker.counting.coverage import Coverage as Coverage
from sla_worker.counting.coverage import Stillness as Stillness
from sla_worker.counting.coverage import interval as interval
from sla_worker.counting.coverage import tally as tally
from sla_worker.counting.increases import DAY as DAY
from sla_worker.counting.increases import Earlier as Earlier
from sla_worker.counting.increases import first_sample as first_sample
from sla_worker.counting.increases import increases as increases
from sla_worker.counting.increases import resets as resets
from sla_worker.counting.increases import restarts as restarts
