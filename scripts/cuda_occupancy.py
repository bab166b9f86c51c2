"""Theoretical occupancy: how many warps of a kernel fit on one multiprocessor, and what stops the next block.

The numbers are those of the table "Technical Specifications per Compute Capability" in NVIDIA's CUDA C++
Programming Guide; the units of allocation (registers by 256 a warp, shared memory by 128 B) and the rule for
registers are those of the toolkit's cuda_occupancy.h, which the test of this file compares with.
"""

import dataclasses

WARP_SIZE = 32
PARTITIONS = 4
REGISTERS = 64 * 1024
REGISTER_UNIT = 256  # a warp
SHARED_UNIT = 128
SHARED_RESERVED = 1024  # a block, taken by the driver


@dataclasses.dataclass(frozen=True)
class Multiprocessor:
    warps: int
    blocks: int
    shared_bytes: int
    block_shared_bytes: int  # the most that one block may ask for


MULTIPROCESSORS = {
    "sm_80": Multiprocessor(64, 32, 164 * 1024, 163 * 1024),
    "sm_86": Multiprocessor(48, 16, 100 * 1024, 99 * 1024),
    "sm_89": Multiprocessor(48, 24, 100 * 1024, 99 * 1024),
    "sm_90": Multiprocessor(64, 32, 228 * 1024, 227 * 1024),
    "sm_100": Multiprocessor(64, 32, 228 * 1024, 227 * 1024),
    "sm_120": Multiprocessor(48, 24, 100 * 1024, 99 * 1024),
}


@dataclasses.dataclass
class Occupancy:
    blocks: int
    percent: float
    limited_by: list


def _round_up(value, unit):
    return -(-value // unit) * unit


def occupancy(architecture, threads, registers, shared_bytes):
    """None for an architecture that the table lacks."""
    machine = MULTIPROCESSORS.get(architecture.rstrip("af"))
    if machine is None:
        return None
    warps = -(-threads // WARP_SIZE)
    limits = {"threads": machine.warps // warps, "blocks": machine.blocks}
    if registers:
        warp_registers = _round_up(registers * WARP_SIZE, REGISTER_UNIT)
        limits["registers"] = REGISTERS // PARTITIONS // warp_registers * PARTITIONS // warps
        if warp_registers * _round_up(warps, PARTITIONS) > REGISTERS:
            limits["registers"] = 0
    limits["shared memory"] = machine.shared_bytes // _round_up(shared_bytes + SHARED_RESERVED, SHARED_UNIT)
    if shared_bytes > machine.block_shared_bytes:
        limits["shared memory"] = 0
    blocks = min(limits.values())
    return Occupancy(
        blocks,
        100.0 * blocks * warps / machine.warps,
        [name for name, limit in limits.items() if limit == blocks],
    )
