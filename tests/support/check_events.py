"""Checks the TensorBoard events in a folder against what the test wrote.

usage: check_events.py FOLDER PICTURE_BYTES
By TensorBoard's own reader where the package is installed; the records' checksums and fields by hand always.
"""
import pathlib
import struct
import sys

LOSSES = [(step, 0.5 / (step + 1)) for step in (0, 100, 200)]


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(crc):
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    while data:
        length, check = struct.unpack("<QI", data[:12])
        assert check == masked(crc32c(data[:8])), "checksum of a length"
        body = data[12 : 12 + length]
        assert struct.unpack("<I", data[12 + length : 16 + length])[0] == masked(crc32c(body)), "checksum"
        yield body
        data = data[16 + length :]


def fields(data):
    """(field, value) of a protocol buffer; bytes stay bytes."""
    def varint():
        nonlocal data
        value = shift = 0
        while True:
            byte, data = data[0], data[1:]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while data:
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        else:
            length = {1: 8, 5: 4}.get(key & 7)
            if length is None:
                length = varint()
            value, data = data[:length], data[length:]
            yield key >> 3, struct.unpack("<d" if length == 8 else "<f", value)[0] if key & 7 in (1, 5) else value


def by_hand(folder, picture):
    (path,) = pathlib.Path(folder).glob("events.out.tfevents.*")
    events = [dict(fields(body)) for body in records(path.read_bytes())]
    assert events[0][3] == b"brain.Event:2", events[0]
    assert dict(fields(events[1][7]))[1] == 1, "a session starts"
    values = [(event[2], dict(fields(dict(fields(event[5]))[1]))) for event in events[2:]]
    losses = [(step, value[2]) for step, value in values if value[1] == b"train/loss"]
    assert len(losses) == len(LOSSES)
    for (step, value), (expected_step, expected) in zip(losses, LOSSES):
        assert step == expected_step and abs(value - expected) < 1e-7 * expected + 1e-12, (step, value)
    step, value = values[-1]
    image = dict(fields(value[4]))
    assert (step, image[1], image[2], image[3], image[4]) == (200, 5, 7, 3, picture)


def by_tensorboard(folder, picture):
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    except ImportError:
        print("TensorBoard is not installed: read by hand alone")
        return
    events = EventAccumulator(folder).Reload()
    losses = [(event.step, event.value) for event in events.Scalars("train/loss")]
    assert len(losses) == len(LOSSES), losses
    for (step, value), (expected_step, expected) in zip(losses, LOSSES):
        assert step == expected_step and abs(value - expected) < 1e-6, losses
    (image,) = events.Images("validation/pictures")
    assert (image.step, image.width, image.height, image.encoded_image_string) == (200, 7, 5, picture)


by_hand(sys.argv[1], sys.argv[2].encode())
by_tensorboard(sys.argv[1], sys.argv[2].encode())
