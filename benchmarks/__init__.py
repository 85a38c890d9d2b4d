"""Side by side with the packages people know; each module is one command. All of them run on one thread."""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # here, because BLAS reads them once, when NumPy is first imported
