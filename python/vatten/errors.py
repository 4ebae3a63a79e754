# SPDX-License-Identifier: MIT
"""What is raised. Messages are the library's own: the rule that was broken, with its numbers."""


class Error(RuntimeError):
    """A call of the library failed. `result` is the name of its vatten_result."""

    def __init__(self, message: str, result: str = ""):
        super().__init__(message)
        self.result = result


class InvalidArgument(Error, ValueError):
    """A documented rule was broken."""


class Unsupported(Error, NotImplementedError):
    """Valid, but this device cannot; or there is no Vulkan device at all."""


class OutOfMemory(Error, MemoryError):
    """Host or device memory ran out."""


class VulkanError(Error):
    """Another Vulkan call failed."""


class RecorderFull(Error):
    """A recorder has no descriptor sets left: reset it, or make it with more dispatches."""


BY_RESULT = {
    "VATTEN_ERROR_INVALID_ARGUMENT": InvalidArgument,
    "VATTEN_ERROR_UNSUPPORTED": Unsupported,
    "VATTEN_ERROR_OUT_OF_HOST_MEMORY": OutOfMemory,
    "VATTEN_ERROR_OUT_OF_DEVICE_MEMORY": OutOfMemory,
    "VATTEN_ERROR_VULKAN": VulkanError,
    "VATTEN_ERROR_RECORDER_FULL": RecorderFull,
}
