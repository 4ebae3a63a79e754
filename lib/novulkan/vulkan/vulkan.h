/* SPDX-License-Identifier: MIT */
#error "pure rooms take no Vulkan header: what needs one belongs into an effect room (docs/architecture.md)"
