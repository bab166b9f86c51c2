#!/usr/bin/env python3
"""Writes LPIPS as a TorchScript file that renderfm-eval --lpips takes.

The module is called with two batches [N, 3, H, W] in [0, 1] and answers distances [N]; its attribute
`metric_name` says which LPIPS it is. Two conventions are in use and differ by a few percent:
  std   pictures are brought to [-1, 1] first, as the authors' package asks
  3dgs  they stay in [0, 1], as in the evaluation of 3D Gaussian Splatting and what follows it

Needs the packages torch, torchvision and lpips; the backbone's ImageNet weights are downloaded by torchvision
on first use (or read from --backbone). Example:
  export_lpips.py --net vgg --convention 3dgs lpips_vgg_3dgs.pt
"""
import argparse

import lpips
import torch


class Lpips(torch.nn.Module):
    """Distances of pictures in [0, 1]; holds the convention."""

    metric_name: str

    def __init__(self, network, metric_name, rescale):
        super().__init__()
        self.network = network
        self.metric_name = metric_name
        self.rescale = rescale

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        if self.rescale:
            a, b = 2 * a - 1, 2 * b - 1
        return self.network(a, b).reshape(-1)


def build(net, convention, random_backbone=False, backbone=None):
    network = lpips.LPIPS(net=net, pnet_rand=random_backbone or backbone is not None, verbose=False).eval()
    if backbone is not None:
        # torchvision numbers the layers of `features` as the slices of the package do.
        weights = torch.load(backbone, map_location="cpu", weights_only=True)
        layers = {k[len("features."):]: v for k, v in weights.items() if k.startswith("features.")}
        for name, parameter in network.net.named_parameters():
            parameter.data.copy_(layers[name.split(".", 1)[1]])
    name = f"lpips_{net}_{convention}" + ("_random" if random_backbone else "")
    return Lpips(network, name, convention == "std").eval()


def to_torchscript(module):
    example = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)
    # The package's own forward() branches on Python values, so it is traced; a trace keeps no attributes.
    traced = torch.jit.trace(module, example, check_trace=False)

    class Named(torch.nn.Module):
        metric_name: str

        def __init__(self):
            super().__init__()
            self.traced = traced
            self.metric_name = module.metric_name

        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return self.traced(a, b)

    return torch.jit.script(Named())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", help="TorchScript file to write")
    parser.add_argument("--net", choices=["vgg", "alex"], default="vgg")
    parser.add_argument("--convention", choices=["std", "3dgs"], default="std")
    parser.add_argument("--backbone", help="torchvision weights (.pth) of the backbone, instead of a download")
    parser.add_argument("--random-backbone", action="store_true", help="for tests: ImageNet weights left out")
    args = parser.parse_args()
    module = build(args.net, args.convention, args.random_backbone, args.backbone)
    with torch.no_grad():
        to_torchscript(module).save(args.out)
    print(f"{args.out}: {module.metric_name}")


if __name__ == "__main__":
    main()
