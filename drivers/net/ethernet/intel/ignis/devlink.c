// SPDX-License-Identifier: GPL-2.0-only
/* devlink: what the device is, reload; its health is in health.c */

#include <linux/ctype.h>
#include <linux/unaligned.h>
#include <net/devlink.h>

#include "ignis.h"

/* 82576 datasheet 6.2.4: the board's number in digits, or where it is as text */
#define NVM_PBA		0x08
#define NVM_PBA_TEXT	0xfafa
#define PBA_TEXT_MAX	16	/* characters */

/* The text's block: its length in words, its own included, then characters */
static int ignis_board_text(struct ignis *ig, u16 start, char *buf)
{
	unsigned int size = ignis_get_eeprom_len(ig->netdev) / 2, i;
	u16 words[PBA_TEXT_MAX / 2], n;
	int err;

	if (start >= size)
		return -ENODATA;
	err = ignis_nvm_read(ig, start, 1, &n);
	if (err)
		return err;
	if (n < 2 || n - 1 > ARRAY_SIZE(words) || start + n > size)
		return -ENODATA;
	n--;
	err = ignis_nvm_read(ig, start + 1, n, words);
	if (err)
		return err;

	for (i = 0; i < n; i++)
		put_unaligned_be16(words[i], buf + 2 * i);
	buf[2 * n] = '\0';
	for (i = 0; buf[i]; i++)
		if (!isalnum(buf[i]) && buf[i] != '-')
			return -ENODATA;
	return i ? 0 : -ENODATA;
}

/* -ENODATA if nobody has written one */
static int ignis_board_id(struct ignis *ig, char *buf, size_t size)
{
	u16 pba[2];
	int err;

	err = ignis_nvm_read(ig, NVM_PBA, 2, pba);
	if (err)
		return err;
	if (pba[0] == NVM_PBA_TEXT)
		return ignis_board_text(ig, pba[1], buf);
	if ((!pba[0] && !pba[1]) || (pba[0] == 0xffff && pba[1] == 0xffff))
		return -ENODATA;

	snprintf(buf, size, "%04X%02X-0%02X", pba[0], pba[1] >> 8,
		 pba[1] & 0xff);
	return 0;
}

/* What the NVM says; RTNL keeps resets of the MAC away */
static int ignis_info_nvm(struct ignis *ig, struct devlink_info_req *req)
{
	char board[PBA_TEXT_MAX + 1], version[IGNIS_NVM_VERSION_SIZE];
	int board_err, err;

	rtnl_lock();
	/* Asleep or gone: nobody can tell */
	if (!netif_device_present(ig->netdev)) {
		rtnl_unlock();
		return 0;
	}
	board_err = ignis_board_id(ig, board, sizeof(board));
	err = ignis_nvm_version(ig, version);
	rtnl_unlock();
	if (err)
		return err;

	err = devlink_info_version_running_put(req,
					       DEVLINK_INFO_VERSION_GENERIC_FW,
					       version);
	if (err || board_err == -ENODATA)
		return err;
	if (board_err)
		return board_err;
	return devlink_info_version_fixed_put(req,
					      DEVLINK_INFO_VERSION_GENERIC_BOARD_ID,
					      board);
}

static int ignis_info_get(struct devlink *devlink, struct devlink_info_req *req,
			  struct netlink_ext_ack *extack)
{
	struct ignis_function *fn = devlink_priv(devlink);
	u64 serial = pci_get_dsn(fn->pdev);
	char text[24];
	u8 dsn[8];
	int err;

	/* Not every function has one */
	if (serial) {
		put_unaligned_be64(serial, dsn);
		snprintf(text, sizeof(text), "%8phD", dsn);
		err = devlink_info_serial_number_put(req, text);
		if (err)
			return err;
	}

	snprintf(text, sizeof(text), "%04x", fn->pdev->device);
	err = devlink_info_version_fixed_put(req,
					     DEVLINK_INFO_VERSION_GENERIC_ASIC_ID,
					     text);
	if (err)
		return err;
	snprintf(text, sizeof(text), "%u", fn->pdev->revision);
	err = devlink_info_version_fixed_put(req,
					     DEVLINK_INFO_VERSION_GENERIC_ASIC_REV,
					     text);
	if (err || !fn->ig)
		return err;

	err = ignis_info_nvm(fn->ig, req);
	if (err)
		NL_SET_ERR_MSG(extack, "the NVM cannot be read");
	return err;
}

/* Nothing can be told apart from being unbound, but the devlink object stays */
static int ignis_reload_down(struct devlink *devlink, bool netns_change,
			     enum devlink_reload_action action,
			     enum devlink_reload_limit limit,
			     struct netlink_ext_ack *extack)
{
	struct ignis_function *fn = devlink_priv(devlink);

	ignis_restore_config(fn->pdev);
	if (fn->ig)
		ignis_port_remove(fn);
	return 0;
}

static int ignis_reload_up(struct devlink *devlink,
			   enum devlink_reload_action action,
			   enum devlink_reload_limit limit,
			   u32 *actions_performed,
			   struct netlink_ext_ack *extack)
{
	struct ignis_function *fn = devlink_priv(devlink);
	int err = ignis_port_add(fn);

	if (err) {
		NL_SET_ERR_MSG(extack,
			       "the port did not come back, see the kernel log");
		return err;
	}
	/* What was wrong was wrong with the port before */
	devlink_health_reporter_state_update(fn->tx_reporter,
					     DEVLINK_HEALTH_REPORTER_STATE_HEALTHY);
	devlink_health_reporter_state_update(fn->rx_reporter,
					     DEVLINK_HEALTH_REPORTER_STATE_HEALTHY);
	*actions_performed = BIT(DEVLINK_RELOAD_ACTION_DRIVER_REINIT);
	return 0;
}

static const struct devlink_ops ignis_devlink_ops = {
	.info_get = ignis_info_get,
	.reload_actions = BIT(DEVLINK_RELOAD_ACTION_DRIVER_REINIT),
	.reload_down = ignis_reload_down,
	.reload_up = ignis_reload_up,
};

/**
 * ignis_devlink_alloc - allocate the devlink object of a PCI function
 * @pdev: the function
 * @mac: what chip it is
 *
 * Context: process, probe.
 *
 * Return: its private part, to be freed by ignis_devlink_free(), or NULL.
 */
struct ignis_function *ignis_devlink_alloc(struct pci_dev *pdev,
					   const struct ignis_mac *mac)
{
	struct ignis_function *fn;
	struct devlink *devlink;

	devlink = devlink_alloc(&ignis_devlink_ops, sizeof(*fn), &pdev->dev);
	if (!devlink)
		return NULL;

	fn = devlink_priv(devlink);
	fn->pdev = pdev;
	fn->mac = mac;
	return fn;
}

/**
 * ignis_devlink_free - undo ignis_devlink_alloc()
 * @fn: PCI function
 *
 * Context: process, probe or remove.
 */
void ignis_devlink_free(struct ignis_function *fn)
{
	devlink_free(priv_to_devlink(fn));
}

/**
 * ignis_devlink_register - add port and reporters and show all to the user
 * @fn: PCI function
 *
 * Context: process, probe.
 *
 * Return: 0 or a negative errno; all undone then.
 */
int ignis_devlink_register(struct ignis_function *fn)
{
	struct devlink *devlink = priv_to_devlink(fn);
	int err;

	devl_lock(devlink);
	err = ignis_health_init(fn);
	if (err)
		goto out;

	err = ignis_port_add(fn);
	if (!err) {
		err = devl_register(devlink);
		if (err)
			ignis_port_remove(fn);
	}
	if (err)
		ignis_health_exit(fn);
out:
	devl_unlock(devlink);
	if (!err)
		enable_work(&fn->report_work);
	return err;
}

/**
 * ignis_devlink_unregister - undo ignis_devlink_register()
 * @fn: PCI function
 *
 * Context: process, remove.
 */
void ignis_devlink_unregister(struct ignis_function *fn)
{
	struct devlink *devlink = priv_to_devlink(fn);

	/* It takes the lock: not to be waited for below */
	disable_work_sync(&fn->report_work);
	devl_lock(devlink);
	devl_unregister(devlink);
	if (fn->ig)
		ignis_port_remove(fn);
	ignis_health_exit(fn);
	devl_unlock(devlink);
}

#ifdef IGNIS_DEVLINK_PORT
/**
 * ignis_devlink_port_add - a devlink port for the netdev
 * @ig: port, whose netdev is not registered yet
 *
 * Context: process, devlink lock.
 *
 * Return: 0 or a negative errno.
 */
int ignis_devlink_port_add(struct ignis *ig)
{
	struct devlink_port_attrs attrs = {
		.flavour = DEVLINK_PORT_FLAVOUR_PHYSICAL,
		/* The netdev keeps the name that it has without a port */
		.no_phys_port_name = true,
		.phys.port_number = PCI_FUNC(ig->pdev->devfn),
	};
	int err;

	devlink_port_attrs_set(&ig->fn->port, &attrs);
	err = devl_port_register(priv_to_devlink(ig->fn), &ig->fn->port, 0);
	if (!err)
		SET_NETDEV_DEVLINK_PORT(ig->netdev, &ig->fn->port);
	return err;
}

/**
 * ignis_devlink_port_remove - undo ignis_devlink_port_add()
 * @ig: port, whose netdev is not registered any more
 *
 * Context: process, devlink lock.
 */
void ignis_devlink_port_remove(struct ignis *ig)
{
	devl_port_unregister(&ig->fn->port);
}
#endif /* IGNIS_DEVLINK_PORT */
