// SPDX-License-Identifier: MIT
//
// The one loop of all attention kernels: online softmax over the key tiles that the map names, run by run (Milakov &
// Gimelshein 2018; Rabe & Staats 2021; Dao et al. 2022). It knows neither which keys those are (map_*.glsl)
// nor how lanes share the work (layout_*.glsl).
//
// Every layout offers: layout_begin (load queries, start or resume the running state), layout_tile (scores of
// the current tile, masked unless `full`, then the running maximum, sum and output), layout_end (write out
// and LSE, or the carry).

void attend_run(uint r)
{
    uint tiles = map_run(r);
    for (uint i = 0u; i < tiles; ++i) {
        map_tile(i);
        layout_tile(map_tile_full());
    }
}

void attend()
{
    if (!map_begin())
        return;
    layout_begin();
#ifdef VT_ONE_RUN // a loop that ends after its first turn still takes registers of some compilers
    attend_run(0u);
#else
    uint runs = map_run_count();
    for (uint r = 0u; r < runs; ++r)
        attend_run(r);
#endif
    layout_end();
}
