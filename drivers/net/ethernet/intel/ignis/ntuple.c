// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flows that go to queues of their own: rules of ethtool -N, accelerated RFS.
 *
 * The chip knows filters of three kinds, and each rule takes one: by EtherType,
 * by 5-tuple, by the SYN flag.  Only those of the last two kinds can match the
 * same packet.  Among 5-tuples the lower location wins; the SYN rule yields to
 * all of them and so has the last location.  Filters for 5-tuples that no rule
 * has taken are lent to accelerated RFS, below any rule.
 */

#include <net/flow_dissector.h>

#include "ignis.h"

#define TUPLE_PRIORITY	7	/* of the first rule; of accelerated RFS: 0 */
#define USER_DEF_SYN	0x2	/* as the flag in the TCP header */
#define ARFS_INTERVAL	HZ

enum ignis_rule_kind {
	RULE_NONE,
	RULE_ETYPE,
	RULE_TUPLE,
	RULE_SYN,
};

static unsigned int ignis_rule_locations(const struct ignis *ig)
{
	return ig->mac->etype_filters + ig->mac->tuple_filters + 1;
}

/* The ioctl has no other way to tell why */
static int ignis_rule_refuse(struct ignis *ig, const char *why)
{
	netdev_info(ig->netdev, "rule refused: %s\n", why);
	return -EINVAL;
}

/* A mask of @len bytes: 1 if all is compared, 0 if nothing is, or neither */
static int ignis_mask(const void *mask, size_t len)
{
	if (!memchr_inv(mask, 0, len))
		return 0;
	return memchr_inv(mask, 0xff, len) ? -EINVAL : 1;
}

static int ignis_parse_tcp4(struct ignis *ig,
			    const struct ethtool_rx_flow_spec *spec, u8 proto,
			    struct ignis_tuple *tuple)
{
	const struct ethtool_tcpip4_spec *h = &spec->h_u.tcp_ip4_spec;
	const struct ethtool_tcpip4_spec *m = &spec->m_u.tcp_ip4_spec;
	int saddr = ignis_mask(&m->ip4src, sizeof(m->ip4src));
	int daddr = ignis_mask(&m->ip4dst, sizeof(m->ip4dst));
	int sport = ignis_mask(&m->psrc, sizeof(m->psrc));
	int dport = ignis_mask(&m->pdst, sizeof(m->pdst));

	if (saddr < 0 || daddr < 0)
		return ignis_rule_refuse(ig, "addresses are compared as a whole");
	if (sport < 0 || dport < 0)
		return ignis_rule_refuse(ig, "ports are compared as a whole");
	if (m->tos)
		return ignis_rule_refuse(ig, "TOS is not compared");

	tuple->proto = proto;
	tuple->saddr = saddr ? h->ip4src : 0;
	tuple->daddr = daddr ? h->ip4dst : 0;
	tuple->sport = sport ? h->psrc : 0;
	tuple->dport = dport ? h->pdst : 0;
	tuple->compare = TUPLE_PROTO | (saddr ? TUPLE_SADDR : 0) |
			 (daddr ? TUPLE_DADDR : 0) |
			 (sport ? TUPLE_SPORT : 0) | (dport ? TUPLE_DPORT : 0);
	return RULE_TUPLE;
}

static int ignis_parse_ip4(struct ignis *ig,
			   const struct ethtool_rx_flow_spec *spec,
			   struct ignis_tuple *tuple)
{
	const struct ethtool_usrip4_spec *h = &spec->h_u.usr_ip4_spec;
	const struct ethtool_usrip4_spec *m = &spec->m_u.usr_ip4_spec;
	int saddr = ignis_mask(&m->ip4src, sizeof(m->ip4src));
	int daddr = ignis_mask(&m->ip4dst, sizeof(m->ip4dst));
	int proto = ignis_mask(&m->proto, sizeof(m->proto));

	if (saddr < 0 || daddr < 0)
		return ignis_rule_refuse(ig, "addresses are compared as a whole");
	if (proto < 0)
		return ignis_rule_refuse(ig, "the protocol is compared as a whole");
	if (m->tos)
		return ignis_rule_refuse(ig, "TOS is not compared");
	if (m->l4_4_bytes)
		return ignis_rule_refuse(ig, "ports go with tcp4, udp4 or sctp4");
	if (h->ip_ver != ETH_RX_NFC_IP4 || m->ip_ver)
		return ignis_rule_refuse(ig, "the IP version is not compared");
	if (!saddr && !daddr && !proto)
		return ignis_rule_refuse(ig, "there is nothing to compare");

	tuple->proto = proto ? h->proto : 0;
	tuple->saddr = saddr ? h->ip4src : 0;
	tuple->daddr = daddr ? h->ip4dst : 0;
	tuple->compare = (proto ? TUPLE_PROTO : 0) |
			 (saddr ? TUPLE_SADDR : 0) | (daddr ? TUPLE_DADDR : 0);
	return RULE_TUPLE;
}

static int ignis_parse_ether(struct ignis *ig,
			     const struct ethtool_rx_flow_spec *spec)
{
	const struct ethhdr *h = &spec->h_u.ether_spec;
	const struct ethhdr *m = &spec->m_u.ether_spec;

	if (!is_zero_ether_addr(m->h_dest) || !is_zero_ether_addr(m->h_source))
		return ignis_rule_refuse(ig, "MAC addresses are not compared");
	if (m->h_proto != htons(0xffff))
		return ignis_rule_refuse(ig, "the EtherType is compared as a whole");

	switch (ntohs(h->h_proto)) {
	case ETH_P_IP:
	case ETH_P_IPV6:
		return ignis_rule_refuse(ig, "the chip would not look into IP packets any more");
	case ETH_P_8021Q:
		return ignis_rule_refuse(ig, "the chip looks behind VLAN tags");
	case 0 ... ETH_P_802_3_MIN - 1:
		return ignis_rule_refuse(ig, "this is no EtherType but a length");
	}
	return RULE_ETYPE;
}

/* user-def is how SYN is written: flow-type ether user-def 0x2 */
static int ignis_parse_ext(struct ignis *ig,
			   const struct ethtool_rx_flow_spec *spec)
{
	const struct ethtool_flow_ext *h = &spec->h_ext, *m = &spec->m_ext;

	if (spec->flow_type & FLOW_RSS)
		return ignis_rule_refuse(ig, "there are no RSS contexts");
	if (spec->flow_type & FLOW_MAC_EXT && !is_zero_ether_addr(m->h_dest))
		return ignis_rule_refuse(ig, "MAC addresses are not compared");
	if (!(spec->flow_type & FLOW_EXT))
		return RULE_NONE;
	if (m->vlan_etype || m->vlan_tci)
		return ignis_rule_refuse(ig, "VLAN tags are not compared");
	if (!m->data[0] && !m->data[1])
		return RULE_NONE;
	if ((spec->flow_type & ~FLOW_EXT) != ETHER_FLOW ||
	    memchr_inv(&spec->m_u.ether_spec, 0, sizeof(struct ethhdr)) ||
	    ignis_mask(m->data, sizeof(m->data)) != 1 || h->data[0] ||
	    h->data[1] != htonl(USER_DEF_SYN))
		return ignis_rule_refuse(ig, "user-def is 0x2 (SYN), with ether and nothing else");
	return RULE_SYN;
}

/* What kind of filter a rule needs, and for a 5-tuple what goes into it */
static int ignis_rule_parse(struct ignis *ig,
			    const struct ethtool_rx_flow_spec *spec,
			    struct ignis_tuple *tuple)
{
	int kind;

	if (spec->ring_cookie == RX_CLS_FLOW_DISC)
		return ignis_rule_refuse(ig, "filters do not drop");
	if (spec->ring_cookie >= ig->cfg.channels)
		return ignis_rule_refuse(ig, "there is no such queue");

	kind = ignis_parse_ext(ig, spec);
	if (kind != RULE_NONE)
		return kind;

	switch (spec->flow_type & ~(FLOW_EXT | FLOW_MAC_EXT)) {
	case ETHER_FLOW:
		return ignis_parse_ether(ig, spec);
	case TCP_V4_FLOW:
		return ignis_parse_tcp4(ig, spec, IPPROTO_TCP, tuple);
	case UDP_V4_FLOW:
		return ignis_parse_tcp4(ig, spec, IPPROTO_UDP, tuple);
	case SCTP_V4_FLOW:
		return ignis_parse_tcp4(ig, spec, IPPROTO_SCTP, tuple);
	case IP_USER_FLOW:
		return ignis_parse_ip4(ig, spec, tuple);
	case TCP_V6_FLOW:
	case UDP_V6_FLOW:
	case SCTP_V6_FLOW:
	case IPV6_USER_FLOW:
		return ignis_rule_refuse(ig, "IPv6 addresses are not compared");
	default:
		return ignis_rule_refuse(ig, "filters do not know this flow type");
	}
}

/* The location a rule gets, or why it does not get the one it asks for */
static int ignis_rule_place(struct ignis *ig, unsigned int kind, u32 location)
{
	unsigned int last = ignis_rule_locations(ig) - 1;
	unsigned int i = 0, end = last;

	if (location == RX_CLS_LOC_ANY) {
		if (kind == RULE_SYN)
			i = end++;
		for (; i < end; i++)
			if (ig->steer.rules[i].kind == RULE_NONE)
				return i;
		return -ENOSPC;
	}
	if (location > last)
		return ignis_rule_refuse(ig, "there is no such location");
	if (kind == RULE_SYN && location != last)
		return ignis_rule_refuse(ig, "a SYN rule has the last location");
	if (kind != RULE_SYN && location == last)
		return ignis_rule_refuse(ig, "the last location is for SYN");
	return location;
}

static bool ignis_etype_known(const struct ignis *ig, __be16 type,
			      const struct ignis_rule *except)
{
	unsigned int i;

	for (i = 0; i < ignis_rule_locations(ig); i++) {
		const struct ignis_rule *rule = &ig->steer.rules[i];

		if (rule != except && rule->kind == RULE_ETYPE &&
		    rule->spec.h_u.ether_spec.h_proto == type)
			return true;
	}
	return false;
}

/* Filters of a kind that rules have taken, but for @except */
static unsigned long ignis_entries_taken(const struct ignis *ig,
					 unsigned int kind,
					 const struct ignis_rule *except)
{
	unsigned long taken = 0;
	unsigned int i;

	for (i = 0; i < ignis_rule_locations(ig); i++) {
		const struct ignis_rule *rule = &ig->steer.rules[i];

		if (rule != except && rule->kind == kind)
			__set_bit(rule->entry, &taken);
	}
	return taken;
}

static unsigned long ignis_arfs_taken(const struct ignis *ig)
{
	unsigned long taken = 0;
	unsigned int i;

	for (i = 0; i < ig->mac->tuple_filters; i++)
		if (ig->steer.arfs[i].tuple.compare)
			__set_bit(i, &taken);
	return taken;
}

static void ignis_arfs_drop(struct ignis *ig, unsigned int entry)
{
	ig->mac->write_tuple(ig, entry, NULL, 0, 0);
	ig->steer.arfs[entry].tuple.compare = 0;
}

/* A free filter for a rule that comes in place of @old; rules go before RFS */
static int ignis_rule_entry(struct ignis *ig, unsigned int kind,
			    const struct ignis_rule *old)
{
	unsigned long taken = ignis_entries_taken(ig, kind, old);
	unsigned int n, entry;

	if (kind == RULE_SYN)
		return 0;
	n = kind == RULE_ETYPE ? ig->mac->etype_filters :
				 ig->mac->tuple_filters;
	if (kind == RULE_TUPLE) {
		unsigned long any = taken | ignis_arfs_taken(ig);

		entry = find_first_zero_bit(&any, n);
		if (entry < n)
			return entry;
	}
	entry = find_first_zero_bit(&taken, n);
	return entry < n ? entry : -ENOSPC;
}

static void ignis_rule_remove(struct ignis *ig, struct ignis_rule *rule)
{
	switch (rule->kind) {
	case RULE_ETYPE:
		ig->mac->write_etype(ig, rule->entry, 0, 0);
		break;
	case RULE_TUPLE:
		ig->mac->write_tuple(ig, rule->entry, NULL, 0, 0);
		break;
	case RULE_SYN:
		ig->mac->write_syn(ig, -1);
		break;
	}
	rule->kind = RULE_NONE;
}

/* All rules again: each one counts in the priority of those behind it */
static void ignis_rules_write(struct ignis *ig)
{
	unsigned int i, priority = TUPLE_PRIORITY;

	for (i = 0; i < ignis_rule_locations(ig); i++) {
		const struct ignis_rule *rule = &ig->steer.rules[i];
		u16 queue = rule->spec.ring_cookie;

		switch (rule->kind) {
		case RULE_ETYPE:
			ig->mac->write_etype(ig, rule->entry,
					     ntohs(rule->spec.h_u.ether_spec.h_proto),
					     queue);
			break;
		case RULE_TUPLE:
			ig->mac->write_tuple(ig, rule->entry, &rule->tuple,
					     queue, priority--);
			break;
		case RULE_SYN:
			ig->mac->write_syn(ig, queue);
			break;
		}
	}
}

static int ignis_rule_insert(struct ignis *ig, struct ethtool_rx_flow_spec *spec)
{
	struct ignis_rule new = {}, *old;
	int kind, location, entry;

	if (!(ig->netdev->features & NETIF_F_NTUPLE))
		return -EOPNOTSUPP;
	kind = ignis_rule_parse(ig, spec, &new.tuple);
	if (kind < 0)
		return kind;
	location = ignis_rule_place(ig, kind, spec->location);
	if (location < 0)
		return location;

	old = &ig->steer.rules[location];
	if (kind == RULE_ETYPE &&
	    ignis_etype_known(ig, spec->h_u.ether_spec.h_proto, old))
		return -EEXIST;

	spin_lock_bh(&ig->steer.lock);
	entry = ignis_rule_entry(ig, kind, old);
	if (entry >= 0) {
		if (kind == RULE_TUPLE && ig->steer.arfs[entry].tuple.compare)
			ignis_arfs_drop(ig, entry);
		spec->location = location;
		new.spec = *spec;
		new.kind = kind;
		new.entry = entry;
		ignis_rule_remove(ig, old);
		*old = new;
		ignis_rules_write(ig);
	}
	spin_unlock_bh(&ig->steer.lock);
	return min(entry, 0);
}

static int ignis_rule_delete(struct ignis *ig, u32 location)
{
	if (location >= ignis_rule_locations(ig) ||
	    ig->steer.rules[location].kind == RULE_NONE)
		return -ENOENT;

	spin_lock_bh(&ig->steer.lock);
	ignis_rule_remove(ig, &ig->steer.rules[location]);
	spin_unlock_bh(&ig->steer.lock);
	return 0;
}

/**
 * ignis_set_rxnfc - ethtool op: add or remove a rule
 * @netdev: port
 * @info: command and rule; told the location the rule got
 *
 * A rule that is refused leaves the one at its location alone.
 *
 * Context: process, RTNL.
 *
 * Return: 0, -EOPNOTSUPP without filters or with NETIF_F_NTUPLE off, -EINVAL
 * for what the chip cannot do, -EEXIST for a second rule of an EtherType,
 * -ENOSPC, -ENOENT.
 */
int ignis_set_rxnfc(struct net_device *netdev, struct ethtool_rxnfc *info)
{
	struct ignis *ig = netdev_priv(netdev);

	if (!ig->mac->tuple_filters)
		return -EOPNOTSUPP;

	switch (info->cmd) {
	case ETHTOOL_SRXCLSRLINS:
		return ignis_rule_insert(ig, &info->fs);
	case ETHTOOL_SRXCLSRLDEL:
		return ignis_rule_delete(ig, info->fs.location);
	default:
		return -EOPNOTSUPP;
	}
}

/**
 * ignis_get_rxnfc - ethtool op: read rules
 * @netdev: port
 * @info: command; filled in
 * @locations: for ETHTOOL_GRXCLSRLALL, room for @info->rule_cnt of them
 *
 * Context: process, RTNL.
 *
 * Return: 0, -EOPNOTSUPP, -ENOENT if there is no such rule, -EMSGSIZE if
 * @locations is too small.
 */
int ignis_get_rxnfc(struct net_device *netdev, struct ethtool_rxnfc *info,
		    u32 *locations)
{
	struct ignis *ig = netdev_priv(netdev);
	unsigned int i, n = 0, size = ignis_rule_locations(ig);
	const struct ignis_rule *rules = ig->steer.rules;

	if (!ig->mac->tuple_filters)
		return -EOPNOTSUPP;

	switch (info->cmd) {
	case ETHTOOL_GRXCLSRLCNT:
		for (i = 0; i < size; i++)
			n += rules[i].kind != RULE_NONE;
		info->rule_cnt = n;
		info->data = size | RX_CLS_LOC_SPECIAL;
		return 0;
	case ETHTOOL_GRXCLSRULE:
		i = info->fs.location;
		if (i >= size || rules[i].kind == RULE_NONE)
			return -ENOENT;
		info->fs = rules[i].spec;
		return 0;
	case ETHTOOL_GRXCLSRLALL:
		for (i = 0; i < size; i++) {
			if (rules[i].kind == RULE_NONE)
				continue;
			if (n == info->rule_cnt)
				return -EMSGSIZE;
			locations[n++] = i;
		}
		info->rule_cnt = n;
		info->data = size;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

#ifdef CONFIG_RFS_ACCEL
static bool ignis_tuple_covers(const struct ignis_tuple *rule,
			       const struct ignis_tuple *flow)
{
	u8 c = rule->compare;

	return (!(c & TUPLE_PROTO) || rule->proto == flow->proto) &&
	       (!(c & TUPLE_SADDR) || rule->saddr == flow->saddr) &&
	       (!(c & TUPLE_DADDR) || rule->daddr == flow->daddr) &&
	       (!(c & TUPLE_SPORT) || rule->sport == flow->sport) &&
	       (!(c & TUPLE_DPORT) || rule->dport == flow->dport);
}

/* The filter for a flow: the one it has, or a free one.  Under the lock. */
static int ignis_arfs_entry(const struct ignis *ig,
			    const struct ignis_tuple *flow)
{
	const struct ignis_steer *steer = &ig->steer;
	unsigned int i, n = ig->mac->tuple_filters;
	unsigned long taken;

	for (i = 0; i < ignis_rule_locations(ig); i++)
		if (steer->rules[i].kind == RULE_TUPLE &&
		    ignis_tuple_covers(&steer->rules[i].tuple, flow))
			return -EBUSY;
	for (i = 0; i < n; i++)
		if (steer->arfs[i].tuple.compare &&
		    ignis_tuple_covers(&steer->arfs[i].tuple, flow))
			return i;

	taken = ignis_entries_taken(ig, RULE_TUPLE, NULL) | ignis_arfs_taken(ig);
	i = find_first_zero_bit(&taken, n);
	return i < n ? i : -ENOSPC;
}

static int ignis_arfs_steer(struct ignis *ig, const struct ignis_tuple *flow,
			    u16 queue, u32 flow_id)
{
	struct ignis_arfs *arfs;
	int entry;

	/* Either may have changed since the stack looked */
	if (!(READ_ONCE(ig->netdev->features) & NETIF_F_NTUPLE) ||
	    queue >= READ_ONCE(ig->cfg.channels))
		return -EINVAL;

	entry = ignis_arfs_entry(ig, flow);
	if (entry < 0)
		return entry;

	arfs = &ig->steer.arfs[entry];
	if (!arfs->tuple.compare || arfs->queue != queue) {
		arfs->tuple = *flow;
		arfs->queue = queue;
		ig->mac->write_tuple(ig, entry, flow, queue, 0);
	}
	arfs->flow_id = flow_id;
	return entry;
}

/**
 * ignis_rx_flow_steer - ndo_rx_flow_steer: bring a flow to its reader's queue
 * @netdev: port
 * @skb: a packet of the flow
 * @queue: near the CPU of the reader
 * @flow_id: names the flow to rps_may_expire_flow()
 *
 * A flow that a rule of the user claims stays where that put it.
 *
 * Context: softirq.
 *
 * Return: the filter taken, or a negative errno.
 */
int ignis_rx_flow_steer(struct net_device *netdev, const struct sk_buff *skb,
			u16 queue, u32 flow_id)
{
	struct ignis *ig = netdev_priv(netdev);
	struct ignis_tuple flow;
	struct flow_keys keys;
	int ret;

	if (!skb_flow_dissect_flow_keys(skb, &keys, 0) ||
	    keys.basic.n_proto != htons(ETH_P_IP) ||
	    (keys.basic.ip_proto != IPPROTO_TCP &&
	     keys.basic.ip_proto != IPPROTO_UDP) ||
	    keys.control.flags & (FLOW_DIS_IS_FRAGMENT | FLOW_DIS_ENCAPSULATION))
		return -EPROTONOSUPPORT;

	flow = (struct ignis_tuple) {
		.saddr = keys.addrs.v4addrs.src,
		.daddr = keys.addrs.v4addrs.dst,
		.sport = keys.ports.src,
		.dport = keys.ports.dst,
		.proto = keys.basic.ip_proto,
		.compare = TUPLE_PROTO | TUPLE_SADDR | TUPLE_DADDR |
			   TUPLE_SPORT | TUPLE_DPORT,
	};

	spin_lock_bh(&ig->steer.lock);
	ret = ignis_arfs_steer(ig, &flow, queue, flow_id);
	spin_unlock_bh(&ig->steer.lock);
	if (ret >= 0)
		schedule_delayed_work(&ig->steer.arfs_work, ARFS_INTERVAL);
	return ret;
}
#endif /* CONFIG_RFS_ACCEL */

static bool ignis_arfs_ended(struct ignis *ig, unsigned int entry)
{
#ifdef CONFIG_RFS_ACCEL
	const struct ignis_arfs *arfs = &ig->steer.arfs[entry];

	return rps_may_expire_flow(ig->netdev, arfs->queue, arfs->flow_id,
				   entry);
#else
	return true;
#endif
}

static void ignis_arfs_work(struct work_struct *work)
{
	struct ignis_steer *steer = container_of(to_delayed_work(work),
						 struct ignis_steer, arfs_work);
	struct ignis *ig = container_of(steer, struct ignis, steer);
	unsigned long used;
	unsigned int i;

	spin_lock_bh(&steer->lock);
	used = ignis_arfs_taken(ig);
	for_each_set_bit(i, &used, ig->mac->tuple_filters)
		if (ignis_arfs_ended(ig, i))
			ignis_arfs_drop(ig, i);
	used = ignis_arfs_taken(ig);
	spin_unlock_bh(&steer->lock);
	if (used)
		schedule_delayed_work(&steer->arfs_work, ARFS_INTERVAL);
}

/**
 * ignis_steer_trim - no flow of accelerated RFS to a queue that has gone
 * @ig: port; cfg.channels has the new number of queues
 *
 * The user's rules need no look: ethtool refuses fewer channels than they name.
 *
 * Context: process, RTNL.
 */
void ignis_steer_trim(struct ignis *ig)
{
	unsigned int i;

	spin_lock_bh(&ig->steer.lock);
	for (i = 0; i < ig->mac->tuple_filters; i++)
		if (ig->steer.arfs[i].tuple.compare &&
		    ig->steer.arfs[i].queue >= ig->cfg.channels)
			ignis_arfs_drop(ig, i);
	spin_unlock_bh(&ig->steer.lock);
}

static void ignis_steer_off(struct ignis *ig)
{
	unsigned int i;

	for (i = 0; i < ig->mac->etype_filters; i++)
		ig->mac->write_etype(ig, i, 0, 0);
	for (i = 0; i < ig->mac->tuple_filters; i++)
		ig->mac->write_tuple(ig, i, NULL, 0, 0);
	ig->mac->write_syn(ig, -1);
}

/**
 * ignis_steer_restore - write all filters after a reset
 * @ig: port
 *
 * Context: process, RTNL.
 */
void ignis_steer_restore(struct ignis *ig)
{
	const struct ignis_arfs *arfs = ig->steer.arfs;
	unsigned int i;

	if (!ig->mac->tuple_filters)
		return;

	spin_lock_bh(&ig->steer.lock);
	ignis_steer_off(ig);
	ignis_rules_write(ig);
	for (i = 0; i < ig->mac->tuple_filters; i++)
		if (arfs[i].tuple.compare)
			ig->mac->write_tuple(ig, i, &arfs[i].tuple,
					     arfs[i].queue, 0);
	spin_unlock_bh(&ig->steer.lock);
}

/**
 * ignis_steer_clear - forget all rules and flows: NETIF_F_NTUPLE goes off
 * @ig: port; its netdev's features show it off already
 *
 * Context: process, RTNL.
 */
void ignis_steer_clear(struct ignis *ig)
{
	spin_lock_bh(&ig->steer.lock);
	memset(ig->steer.rules, 0, sizeof(ig->steer.rules));
	memset(ig->steer.arfs, 0, sizeof(ig->steer.arfs));
	if (netif_device_present(ig->netdev))
		ignis_steer_off(ig);
	spin_unlock_bh(&ig->steer.lock);
}

/**
 * ignis_steer_init - no rules, and a map of CPUs to queues for accelerated RFS
 * @ig: port; max_channels is known
 *
 * Context: process, probe.
 */
void ignis_steer_init(struct ignis *ig)
{
	spin_lock_init(&ig->steer.lock);
	INIT_DELAYED_WORK(&ig->steer.arfs_work, ignis_arfs_work);
	/* Without the map all works but accelerated RFS */
	if (ig->mac->tuple_filters &&
	    netif_enable_cpu_rmap(ig->netdev, ig->max_channels))
		netdev_warn(ig->netdev, "no memory for accelerated RFS\n");
}

/**
 * ignis_steer_exit - undo ignis_steer_init()
 * @ig: port, not registered any more
 *
 * Context: process, remove.
 */
void ignis_steer_exit(struct ignis *ig)
{
	cancel_delayed_work_sync(&ig->steer.arfs_work);
}
