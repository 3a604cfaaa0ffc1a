"""Python imports this at the start of every process of the installation: PYTHONPATH names this folder.

The product knows nothing of it. It scales time, and hangs in what only the process itself can do to itself: to stand
still exactly between an intent and its call, and to have another clock.
"""

from tests.chaos import within

within.prepare()
