import subprocess
import sys

import pytest

CODE = """
import sys
from compress_compare.engines.worker import limit_memory
import numpy as np
limit_memory(400_000_000)
try:
    np.ones(int(sys.argv[1]))
except MemoryError:
    sys.exit(7)
"""


@pytest.mark.parametrize(("numbers", "code"), [(10_000_000, 0), (200_000_000, 7)])
def test_f14_allocations_beyond_the_limit_fail(numbers, code):
    assert subprocess.run([sys.executable, "-c", CODE, str(numbers)]).returncode == code
