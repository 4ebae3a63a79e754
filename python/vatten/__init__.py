# SPDX-License-Identifier: MIT
"""vatten: attention on any Vulkan device, numpy arrays in and out.

    import numpy as np, vatten
    q, k, v = (np.random.rand(1, 8, 1024, 64).astype(np.float32) for _ in range(3))
    out = vatten.attention(q, k, v, causal=True)
"""
from .attention import attention
from .devices import CacheInfo, Device, VulkanDevice, devices, features_supported
from .errors import Error, InvalidArgument, OutOfMemory, RecorderFull, Unsupported, VulkanError
from .native import lib as _lib
from .neighborhood import neighborhood
from .plans import Plan, Recorder
from .sparse import Selection, block_attention, moba, select, sparse

_packed = _lib.vatten_version()
__version__ = f"{_packed >> 22}.{_packed >> 12 & 0x3FF}.{_packed & 0xFFF}"

__all__ = [
    "attention", "neighborhood", "select", "block_attention", "sparse", "moba", "Selection",
    "devices", "Device", "VulkanDevice", "features_supported", "Plan", "Recorder", "CacheInfo",
    "Error", "InvalidArgument", "Unsupported", "OutOfMemory", "VulkanError", "RecorderFull", "__version__",
]
