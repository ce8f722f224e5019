"""On a graphics card most of a short block's time is the starting of kernels: record them once, and replay them.

This file has run on no card yet: what is tested is that it hands through where it cannot record.
"""

import torch
from torch import Tensor, nn

SHAPES_MAX = 8  # recordings of one network; other shapes run as always
WARM_UPS = 3  # runs before one is recorded, as the documentation of torch.cuda.graph asks for


class Replayed(nn.Module):
    """`inner`, replayed for the shapes that come again (the blocks of a stream have two or three)."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self._recorded: dict[tuple[torch.Size, ...], tuple[torch.cuda.CUDAGraph, tuple[Tensor, ...], Tensor]] = {}
        self._seen: set[tuple[torch.Size, ...]] = set()
        if hasattr(inner, "m_source"):
            self.m_source = inner.m_source

    @torch.no_grad()
    def forward(self, *given: Tensor | None) -> Tensor:
        inputs = tuple(one for one in given if one is not None)
        shapes = tuple(one.shape for one in inputs)
        if shapes not in self._seen or not all(one.is_cuda for one in inputs):
            if len(self._seen) < SHAPES_MAX:
                self._seen.add(shapes)  # the second time it is worth it
            out: Tensor = self.inner(*inputs)
            return out
        if shapes not in self._recorded:
            self._recorded[shapes] = self._record(inputs)
        graph, held, made = self._recorded[shapes]
        for kept, one in zip(held, inputs, strict=True):
            kept.copy_(one)
        graph.replay()
        return made.clone()

    def _record(self, inputs: tuple[Tensor, ...]) -> tuple[torch.cuda.CUDAGraph, tuple[Tensor, ...], Tensor]:
        held = tuple(one.clone() for one in inputs)
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UPS):
                self.inner(*held)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            made: Tensor = self.inner(*held)
        return graph, held, made
