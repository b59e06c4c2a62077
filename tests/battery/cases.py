"""All cases."""

from tests.battery.from_eval_protocol import EVAL_PROTOCOL
from tests.battery.from_reasoning_gym import REASONING_GYM
from tests.battery.from_trl import TRL
from tests.battery.from_verl import VERL
from tests.battery.wrongly_called import WRONGLY_CALLED

CASES = (*VERL, *TRL, *EVAL_PROTOCOL, *REASONING_GYM, *WRONGLY_CALLED)
