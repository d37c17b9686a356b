# SPDX-License-Identifier: GPL-2.0-only
"""Which functions of the kernel count as work that a driver causes.

They are what a driver can choose to call more or less of, per packet: memory for buffers and frames, its
mapping for DMA, copies, XDP's frames, and what tells the stack's queue limits. Not what the stack does with
a frame once it has it. A function counts by itself, without what it calls. Some also have callers elsewhere,
a socket's memory for instance; that part is the same with each driver.
"""
import re

GROUPS = {
    "page_pool": r"_*page_pool_\w+|napi_pp_put_page|\w*netmem\w*",
    "pages": r"_*alloc_(frozen_)?pages?\w*|get_page_from_freelist|_*rmqueue\w*|_*free_(frozen_|unref_)?pages?\w*|"
             r"free_unref_\w+|_*page_frag_\w+|_*folio_put\w*|put_page\w*|_*alloc_frag_align\w*|skb_page_frag_refill|"
             r"clear_page\w*|prep_new_page|post_alloc_hook|bad_range|get_pfnblock_\w+|_*free_pages_prepare",
    "slab": r"kmem_cache_\w+|_*slab_\w+|_+slab_alloc\w*|_*kmalloc\w*|kfree|_*kvmalloc\w*|kvfree\w*|"
            r"_*refill_\w*(sheaf|objects)\w*|_*pcs_\w+|_*alloc_from_\w+|_*free_to_\w+|memcg_slab_\w+|_*memcg_slab\w*|"
            r"setup_object\w*|allocate_slab|new_slab|discard_slab|put_cpu_partial|get_partial\w*|_*sheaf\w*",
    "skb": r"napi_build_skb|_*build_skb\w*|_*alloc_skb\w*|_*napi_alloc_skb|_*netdev_alloc_\w+|_*finalize_skb_around|"
           r"napi_skb_cache_\w+|napi_skb_free_\w+|skb_release_\w+|skb_free_head|kfree_skb\w*|_*kfree_skb\w*|"
           r"kfree_skbmem|_*consume_skb\w*|_*consume_stateless_skb|napi_consume_skb|sk_skb_reason_drop|"
           r"skb_attempt_defer_free|skb_add_rx_frag\w*|skb_coalesce_rx_frag|dev_kfree_skb\w*|memset\w*|skb_put|"
           r"skb_zcopy\w*|skb_pp_\w+|kfree_skb_napi_cache|napi_get_frags|napi_reuse_skb",
    "copy": r"memcpy\w*|memmove\w*|skb_copy_\w+|_*pskb_(pull|expand)\w*|eth_get_headlen|_*skb_flow_dissect\w*|"
            r"skb_pull_tail\w*|copy_page\w*|_*skb_pad|_*skb_put_padto",
    "dma": r"_*dma_(direct_|)(map|unmap|sync|alloc|free|mapping|addressing|need)\w*|dma_\w*capable|swiotlb_\w+|iommu_dma_\w+|"
           r"_*dma_\w+|is_swiotlb\w*",
    "xdp": r"_*xdp_(return|flush|convert|do|update|buff)\w*|bpf_xdp_\w+|bq_\w+|_*dev_flush|dev_map_\w+|xdp_master_redirect|"
           r"dev_xdp_\w+|dev_map_enqueue\w*",
    "AF_XDP": r"xp_\w+|xskq_\w+|_*xsk_tx_\w+|xsk_(set|clear|uses)_\w+",
    "queue limits": r"dql_\w+|netif_tx_wake_queue|netif_tx_stop_queue\w*|_*netif_schedule\w*|netdev_tx_\w+",
}
_group = {name: re.compile(rf"(?:{pattern})(?:\.\w+)*") for name, pattern in GROUPS.items()}
_known = {}


def group(function):
    """The group that a kernel function is in, or None."""
    if function not in _known:
        _known[function] = next((g for g, pattern in _group.items() if pattern.fullmatch(function)), None)
    return _known[function]
