"""Writes DICOM series with the oddities of real archives, for the tests of image_io.

    make_dicom_scans.py OUT

Every voxel holds hu(x, y, z), a linear field of its position in LPS mm (the same one as in dicom_test.cpp), so that
interpolation between slices must give it back.
"""
import os
import sys
import zipfile

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

out = sys.argv[1]
ROWS, COLUMNS = 20, 24
SPACING = (0.8, 1.1)  # between rows, between columns
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def hu(point):
    return point @ np.array([5.0, -3.0, 4.0]) + 100


def uid(name):
    return generate_uid(entropy_srcs=[name])


def pixels_hu(position, row_axis, column_axis):
    j, i = np.meshgrid(np.arange(ROWS), np.arange(COLUMNS), indexing="ij")
    points = (position + i[..., None] * SPACING[1] * np.asarray(row_axis)
              + j[..., None] * SPACING[0] * np.asarray(column_axis))
    return hu(points)


def base_dataset(series, sop_class=CTImageStorage, modality="CT"):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = sop_class
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = sop_class
    ds.Modality = modality
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.PatientName = "SECRET^NAME"
    ds.PatientID = "SECRET-ID"
    ds.StudyInstanceUID = uid("study")
    ds.SeriesInstanceUID = uid(series)
    ds.SeriesDescription = series
    return ds


def set_pixels(ds, values, slope=1.0, intercept=-1024.0, signed=False):
    stored = np.round((values - intercept) / slope)
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows, ds.Columns = values.shape[-2:]
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit = 15
    ds.PixelRepresentation = 1 if signed else 0
    ds.RescaleSlope, ds.RescaleIntercept = slope, intercept
    ds.PixelData = stored.astype("<i2" if signed else "<u2").tobytes()


def slice_at(series, number, position, row_axis=(1, 0, 0), column_axis=(0, 1, 0), offset=0.0, **pixels):
    ds = base_dataset(series)
    ds.SOPInstanceUID = uid("%s %d %s %s" % (series, number, position, offset))
    ds.InstanceNumber = number
    position = np.asarray(position, float)
    ds.ImagePositionPatient = ["%.6f" % v for v in position]
    ds.ImageOrientationPatient = ["%.6f" % v for v in (*row_axis, *column_axis)]
    ds.PixelSpacing = ["%.6f" % v for v in SPACING]
    ds.SliceThickness = "9"  # wrong on purpose: positions decide
    ds.SpacingBetweenSlices = "7"
    ds.GantryDetectorTilt = "-3"
    set_pixels(ds, pixels_hu(position, row_axis, column_axis) + offset, **pixels)
    return ds


def save(folder, name, ds):
    path = os.path.join(out, folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    ds.file_meta.MediaStorageSOPInstanceUID = ds.get("SOPInstanceUID", uid(path))
    ds.save_as(path, enforce_file_format=True)


def stack(series, heights, x=-10.0, y=-5.0, **kwargs):
    return [slice_at(series, n + 1, (x, y, z), **kwargs) for n, z in enumerate(heights)]


def save_all(folder, slices, pattern="IM%04d"):
    for n, ds in enumerate(slices):
        save(folder, pattern % n, ds)


even = [-30 + 2.5 * k for k in range(12)]

# Names without suffix in an order that is not the slices', in subfolders, beside things that are no slices.
shuffled = stack("plain", even)
for n, ds in enumerate(shuffled):
    save("plain", "sub%d/IM%04d" % (n % 2, (n * 5) % 12), ds)
open(os.path.join(out, "plain", "readme.txt"), "w").write("hello")
open(os.path.join(out, "plain", "DICOMDIR"), "wb").write(bytes(128) + b"DICM" + bytes(64))
for ds in stack("implicit", even):
    ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    save("implicit", "%d" % ds.InstanceNumber, ds)

# A tilted gantry: every slice is shifted along y.
tilt = np.tan(np.radians(17.0))
save_all("tilt", [slice_at("tilt", n, (-10, -5 + tilt * (z - even[0]), z)) for n, z in enumerate(even)])

save_all("gap", stack("gap", even[:4] + even[6:]))
jitter = [z + (0.3 if n % 3 == 1 else 0.0) for n, z in enumerate(even)]
save_all("irregular", stack("irregular", jitter))
save_all("sideways", [slice_at("sideways", n, (-10 + (3 if n == 5 else 0), -5, z)) for n, z in enumerate(even)])

# Slope and intercept differ from slice to slice.
save_all("rescale", [slice_at("rescale", n, (-10, -5, z), slope=(1, 0.5, 2)[n % 3], intercept=(-1024, -2000, 0)[n % 3],
                              signed=True) for n, z in enumerate(even)])

save_all("duplicates", stack("duplicates", even))
save("duplicates", "copy_of_one", slice_at("duplicates", 3, (-10, -5, even[2])))
again = slice_at("duplicates", 99, (-10, -5, even[4]), offset=50)  # same place, another image
save("duplicates", "again", again)

# Several volumes in one series.
for phase in range(3):
    for ds in stack("phases", even, offset=100.0 * phase):
        ds.AcquisitionNumber = phase + 8  # 8, 9, 10: numbers, not text
        save("phases", "p%d_%d" % (phase, ds.InstanceNumber), ds)

# An archive of everything: the largest axial CT is wanted.
save_all("archive/a", stack("thin", even[:6]))
save_all("archive/b", stack("thick", even))
save_all("archive/c", [slice_at("coronal", n, (-10, -5 + 2 * n, 20), (1, 0, 0), (0, 0, -1)) for n in range(30)])
derived = stack("derived", [-30 + k for k in range(40)])
for n, ds in enumerate(derived):
    ds.ImageType = ["DERIVED", "SECONDARY", "REFORMATTED"]
save_all("archive/d", derived)
scout = slice_at("scout", 1, (-10, -5, 0), (1, 0, 0), (0, 0, -1))
scout.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
save("archive", "scout", scout)
report = base_dataset("dose", "1.2.840.10008.5.1.4.1.1.88.67", "SR")
report.SOPInstanceUID = uid("dose")
save("archive", "dose", report)
capture = base_dataset("capture", SECONDARY_CAPTURE)
capture.SOPInstanceUID = uid("capture")
set_pixels(capture, np.zeros((ROWS, COLUMNS)))
save("archive", "capture", capture)

mr = stack("mr", even)
for ds in mr:
    ds.Modality = "MR"
save_all("mr", mr)
save_all("single", stack("single", even[:1]))
save("scout_only", "scout", scout)
placeless = stack("placeless", even)
for ds in placeless:
    del ds.ImagePositionPatient
save_all("placeless", placeless)

htj2k = stack("htj2k", even[:3])
for ds in htj2k:
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.201"
    ds.PixelData = b"\xfe\xff\x00\xe0" + bytes(4) + b"\xfe\xff\x00\xe0\x04\x00\x00\x00\xff\x4f\xff\x51" + b"\xfe\xff\xdd\xe0" + bytes(4)
    ds["PixelData"].is_undefined_length = True
    ds["PixelData"].VR = "OB"
save_all("htj2k", htj2k)

save_all("truncated", stack("truncated", even))
path = os.path.join(out, "truncated", "IM0005")
data = open(path, "rb").read()
open(path, "wb").write(data[:-300])

# Meta headers whose lengths run out of the file, or that end it.
for number, ds in enumerate(stack("meta", even)):
    save("meta", "IM%04d" % number, ds)
    path = os.path.join(out, "meta", "IM%04d" % number)
    data = bytearray(open(path, "rb").read())
    if number % 2:
        data[152:156] = b"\x02\x00\xff\x00"
    open(path, "wb").write(data if number % 2 else data[:340])

# Padding outside the field of view, by the tag: far below air, and at the top of the range.
for name, value in (("padding_low", -3000), ("padding_high", 32000)):
    padded = stack(name, even, signed=True, intercept=0)
    for ds in padded:
        values = np.frombuffer(ds.PixelData, "<i2").reshape(ROWS, COLUMNS).copy()
        values[:, 0] = value
        ds.PixelData = values.tobytes()
        ds.add_new(0x00280120, "SS", value)
    save_all(name, padded)

# Oblique slices.
angle = np.radians(25)
row = np.array([np.cos(angle), np.sin(angle), 0])
column = np.array([0, 0, -1.0])
normal = np.cross(row, column)
save_all("oblique", [slice_at("oblique", n, np.array([3.0, 4, 5]) - 2 * n * normal, row, column) for n in range(10)])

# Enhanced multi-frame CT; frames stored from the head down.
ds = base_dataset("enhanced", ENHANCED_CT)
ds.SOPInstanceUID = uid("enhanced")
shared = Dataset()
measures, orientation, value_transform = Dataset(), Dataset(), Dataset()
measures.PixelSpacing = list(SPACING)
measures.SliceThickness = 9
orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
value_transform.RescaleSlope, value_transform.RescaleIntercept, value_transform.RescaleType = 1, -1024, "HU"
shared.PixelMeasuresSequence = Sequence([measures])
shared.PlaneOrientationSequence = Sequence([orientation])
shared.PixelValueTransformationSequence = Sequence([value_transform])
ds.SharedFunctionalGroupsSequence = Sequence([shared])
frames, groups = [], []
for z in reversed(even):
    position = Dataset()
    position.ImagePositionPatient = [-10, -5, z]
    group = Dataset()
    group.PlanePositionSequence = Sequence([position])
    groups.append(group)
    frames.append(pixels_hu(np.array([-10, -5, z]), (1, 0, 0), (0, 1, 0)))
ds.PerFrameFunctionalGroupsSequence = Sequence(groups)
set_pixels(ds, np.stack(frames))
del ds.RescaleSlope, ds.RescaleIntercept
ds.NumberOfFrames = len(frames)
save("enhanced", "all.dcm", ds)

# Zips: a good one, one that tries to escape, a broken one, one of another kind.
def pack(name, entries):
    with zipfile.ZipFile(os.path.join(out, name), "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in entries:
            archive.writestr(entry, content)

files = []
for folder, _, names in os.walk(os.path.join(out, "plain")):
    files += [os.path.join(folder, n) for n in names]
contents = [(os.path.relpath(f, out), open(f, "rb").read()) for f in sorted(files)]
pack("good.zip", contents)
pack("escape.zip", [("../../../" + os.path.basename(n) + ".escaped", c) for n, c in contents])
pack("nifti.zip", [("scan/ct.nii.gz", b"x" * 400)])
pack("empty.zip", [])
data = open(os.path.join(out, "good.zip"), "rb").read()
open(os.path.join(out, "broken.zip"), "wb").write(data[: len(data) * 2 // 3])
damaged = bytearray(data)
damaged[damaged.find(b"IM0000") + 200] ^= 0xFF  # in the first slice's compressed bytes
open(os.path.join(out, "checksum.zip"), "wb").write(damaged)
os.makedirs(os.path.join(out, "nothing"))
os.makedirs(os.path.join(out, "other"))
open(os.path.join(out, "other", "ct.nii.gz"), "wb").write(b"x")
