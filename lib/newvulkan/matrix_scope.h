/* SPDX-License-Identifier: MIT
 *
 * Whose matrices the kernels of MATRIX_WORKGROUP are made of, and the features of VK_NV_cooperative_matrix2 that they take.
 * VATTEN_MATRIX_SCOPE of shaders/kernels.cmake decides: with `subgroup`, which is for tests on devices without matrices of
 * a workgroup, a workgroup is one subgroup and nothing is loaded by tensor layouts. Include it after newvulkan.h.
 */
#ifndef VT_MATRIX_SCOPE_H
#define VT_MATRIX_SCOPE_H

#ifdef VT_MATRIX_SCOPE_SUBGROUP
#define VT_MATRIX_SCOPE     VK_SCOPE_SUBGROUP_KHR
#define VT_MATRIX_WORKGROUP VK_FALSE /* what only matrices of a workgroup take */
#else
#define VT_MATRIX_SCOPE     VK_SCOPE_WORKGROUP_KHR
#define VT_MATRIX_WORKGROUP VK_TRUE
#endif

/* The members of VkPhysicalDeviceCooperativeMatrix2FeaturesNV that they take: X(member, VkBool32 whether). */
#define VT_MATRIX_SCOPE_FEATURES(X)                                                                          \
    X(cooperativeMatrixWorkgroupScope, VT_MATRIX_WORKGROUP)                                                  \
    X(cooperativeMatrixTensorAddressing, VT_MATRIX_WORKGROUP)                                                \
    X(cooperativeMatrixFlexibleDimensions, VK_TRUE)                                                          \
    X(cooperativeMatrixReductions, VK_TRUE)                                                                  \
    X(cooperativeMatrixConversions, VK_TRUE)                                                                 \
    X(cooperativeMatrixPerElementOperations, VK_TRUE)

#endif /* VT_MATRIX_SCOPE_H */
