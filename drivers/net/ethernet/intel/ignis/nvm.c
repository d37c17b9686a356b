// SPDX-License-Identifier: GPL-2.0-only
/* Non-volatile memory */

#include <linux/iopoll.h>

#include "ignis.h"

/**
 * ignis_nvm_read - read words through EERD (82576 datasheet 8.4.2)
 * @ig: port
 * @offset: first word
 * @words: how many
 * @data: where to
 *
 * Context: process.
 *
 * Return: 0, -ETIMEDOUT if the NVM does not answer.
 */
int ignis_nvm_read(struct ignis *ig, u16 offset, u16 words, u16 *data)
{
	u32 val;
	int err;

	for (; words; words--, offset++, data++) {
		ignis_wr(ig, IGNIS_EERD,
			 FIELD_PREP(EERD_ADDR, offset) | EERD_START);
		err = read_poll_timeout(ignis_rd, val, val & EERD_DONE, 5,
					10 * USEC_PER_MSEC, false, ig,
					IGNIS_EERD);
		if (err)
			return err;
		*data = FIELD_GET(EERD_DATA, val);
	}
	return 0;
}
