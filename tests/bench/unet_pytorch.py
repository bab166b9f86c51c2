"""Times PyTorch's PlainConvUNet, the baseline of unet_bench: prints the seconds of each forward pass.

usage: unet_pytorch.py THREADS PASSES FEATURES STAGES D H W
"""
import pathlib
import sys
import time

import torch

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "parity"))
from make_unet_reference import plain_conv_unet  # noqa: E402

threads, passes, features, stages, *shape = map(int, sys.argv[1:])
torch.set_num_threads(threads)
network = plain_conv_unet(features, stages)
image = torch.randn(1, 6, *shape)
with torch.inference_mode():
    network(image)
    for _ in range(passes):
        start = time.perf_counter()
        network(image)
        print(time.perf_counter() - start, flush=True)
