"""Largest difference between the trained weights of two checkpoints; fails above 1e-5.

Usage: compare_weights.py ONE.safetensors OTHER.safetensors
"""
import json
import struct
import sys

import torch


def trained_weights(path):
    data = open(path, "rb").read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    begin = 8 + length
    return {
        name: torch.frombuffer(bytearray(data[begin + entry["data_offsets"][0] : begin + entry["data_offsets"][1]]),
                               dtype=torch.float32)
        for name, entry in header.items()
        if name.startswith("live/")
    }


one, other = map(trained_weights, sys.argv[1:3])
assert one.keys() == other.keys() and one, "the checkpoints hold no weights of one network"
largest = max((one[name] - other[name]).abs().max().item() for name in one)
print(f"weights differ by {largest:.1e} at most")
sys.exit(largest > 1e-5)
