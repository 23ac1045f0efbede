"""Makes torch_state/: a state dict as torch.save writes it, and what must be read of it.

    pip install torch==2.11.0 safetensors
    python tests/goldens/make_torch_state.py

pytorch_model.bin      parameters and buffers in every dtype that matters: tied, transposed, a part of a larger
                       storage, empty, scalar
expected.safetensors   its floating tensors, contiguous, of the same dtypes
legacy.bin             one tensor in the format of PyTorch before 1.6
"""
import collections
import pathlib

import torch
from safetensors.torch import save_file

FOLDER = pathlib.Path(__file__).resolve().parent / "torch_state"


def main():
    FOLDER.mkdir(exist_ok=True)
    generator = torch.Generator().manual_seed(20250301)

    def numbers(*shape, dtype=torch.float32):
        return torch.randn(shape, generator=generator).to(dtype)

    embedding = torch.nn.Parameter(numbers(7, 4))
    large = numbers(5, 6, dtype=torch.bfloat16)
    state = collections.OrderedDict({
        "model.embed_tokens.weight": embedding,
        "lm_head.weight": embedding,
        "half": numbers(3, 2, dtype=torch.float16),
        "double": numbers(2, 2, dtype=torch.float64),
        "transposed": numbers(3, 5).T,
        "permuted": numbers(2, 3, 4, dtype=torch.bfloat16).permute(2, 0, 1),
        "columns": large[:, 1:3],
        "rows": large[2:4],
        "scalar": numbers(),
        "empty": numbers(0, 3),
        "one_row": numbers(4, 1).T,
        "mask": torch.ones(2, 2, dtype=torch.bool),
        "position_ids": torch.arange(4),
    })
    state._metadata = collections.OrderedDict({"": {"version": 1}})
    torch.save(state, FOLDER / "pytorch_model.bin")
    save_file({name: tensor.detach().contiguous().clone() for name, tensor in state.items()
               if tensor.is_floating_point()}, FOLDER / "expected.safetensors")
    torch.save({"a": numbers(2)}, FOLDER / "legacy.bin", _use_new_zipfile_serialization=False)


if __name__ == "__main__":
    main()
