"""Writes random images, their SSIM by PyTorch's convolution as 3DGS computes it, and its gradient.

usage: make_ssim_reference.py OUT.pt
Exits with 77 where PyTorch is not installed.
"""
import math
import sys

try:
    import torch
except ImportError as error:
    print(error)
    sys.exit(77)


def ssim(a, b):
    line = torch.tensor([math.exp(-(x - 5) ** 2 / (2 * 1.5**2)) for x in range(11)], dtype=a.dtype)
    line /= line.sum()
    channels = a.shape[1]
    window = torch.outer(line, line).expand(channels, 1, 11, 11)

    def mean(x):
        return torch.nn.functional.conv2d(x, window, padding=5, groups=channels)

    mean_a, mean_b = mean(a), mean(b)
    variances = mean(a * a) - mean_a**2 + mean(b * b) - mean_b**2
    covariance = mean(a * b) - mean_a * mean_b
    similarity = (2 * mean_a * mean_b + 0.01**2) * (2 * covariance + 0.03**2)
    return (similarity / ((mean_a**2 + mean_b**2 + 0.01**2) * (variances + 0.03**2))).mean((1, 2, 3))


def main():
    torch.manual_seed(7)
    target = torch.rand(2, 3, 45, 60, dtype=torch.float64)
    image = (0.6 * target + 0.4 * torch.rand_like(target)).requires_grad_()
    value = ssim(image, target)
    value.sum().backward()
    torch.save({"image": image.detach(), "target": target, "value": value.detach(), "gradient": image.grad},
               sys.argv[1])


if __name__ == "__main__":
    main()
