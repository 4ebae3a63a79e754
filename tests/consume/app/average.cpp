// SPDX-License-Identifier: MIT
//
// C++11 with the device helper: with one and the same key everywhere, attention is the average of the values.
// Exits with 77 where there is no device.
#include <vatten/context.h>
#include <vatten/vatten.h>

#include <cmath>
#include <cstdio>
#include <vector>

namespace {

const uint64_t tokens = 6;
const uint32_t dim = 4;

vatten_memory *upload(vatten_context *context, const std::vector<float> &data) {
    vatten_memory *memory = nullptr;
    if (vatten_memory_create(context, data.size() * sizeof(float), &memory) == VATTEN_SUCCESS)
        vatten_memory_upload(memory, 0, data.data(), data.size() * sizeof(float));
    return memory;
}

bool run(vatten_context *context, vatten_plan *plan) {
    const std::vector<float> same(tokens * dim, 0.5f);
    std::vector<float> values(tokens * dim);
    for (size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<float>(i);
    vatten_memory *k = upload(context, same);
    vatten_memory *v = upload(context, values);
    vatten_memory *out = upload(context, same);
    vatten_args args = {};
    args.q = args.k = vatten_memory_buffer(k);
    args.v = vatten_memory_buffer(v);
    args.out = vatten_memory_buffer(out);
    std::vector<float> result(tokens * dim);
    bool good =
        vatten_context_run(context, plan, &args, nullptr) == VATTEN_SUCCESS &&
        vatten_memory_download(out, 0, result.data(), result.size() * sizeof(float)) == VATTEN_SUCCESS;
    for (size_t i = 0; i < result.size(); ++i) // the mean of d, d + 4, ... d + 20
        good = good && std::fabs(result[i] - (static_cast<float>(i % dim) + 10.0f)) < 1e-4f;
    vatten_memory_destroy(out);
    vatten_memory_destroy(v);
    vatten_memory_destroy(k);
    return good;
}

} // namespace

int main() {
    vatten_context *context = nullptr;
    if (vatten_context_create(nullptr, &context) != VATTEN_SUCCESS)
        return 77;
    vatten_attention_desc desc = {};
    desc.heads.dtype = VATTEN_DTYPE_F32;
    desc.heads.batch = desc.heads.heads = desc.heads.kv_heads = 1;
    desc.heads.dim = dim;
    desc.q_len = desc.kv_len = tokens;
    vatten_plan *plan = nullptr;
    bool good = vatten_attention_create(vatten_context_device(context), &desc, &plan) == VATTEN_SUCCESS;
    good = good && run(context, plan);
    std::puts(good ? "average found" : "wrong");
    vatten_plan_destroy(plan);
    vatten_context_destroy(context);
    return good ? 0 : 1;
}
