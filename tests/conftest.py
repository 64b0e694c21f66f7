"""Settings that must stand before torch is imported."""

import os

# Tests run side by side: one thread each, or they would wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")
