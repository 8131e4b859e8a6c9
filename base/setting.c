/* Which file a setting is.  What a reader would get wrong: only "cpu:" and "irq:" with digits alone behind them are
 * no sysctls; what else has a colon is a sysctl of an interface with an alias. */
#include "base/setting.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sysctl.h"

static const struct form {
	const char *prefix, *before, *behind;
	bool numbered;
} forms[] = {
	{ "cpu:", "/sys/devices/system/cpu/cpu", "/online", true },
	{ "irq:", "/proc/irq/", "/smp_affinity_list", true },
	{ "smt", "/sys/devices/system/cpu/smt/control", "", false },
};

static const struct form *form_of(const char *name, const char **ret_number)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		size_t len = strlen(forms[i].prefix);

		*ret_number = name + len;
		if (strncmp(name, forms[i].prefix, len) != 0 || strlen(*ret_number) > 9)
			continue;
		if (forms[i].numbered == (**ret_number != '\0') &&
		    !(*ret_number)[strspn(*ret_number, "0123456789")])
			return &forms[i];
	}
	return NULL;
}

bool sq_setting_is_sysctl(const char *name)
{
	const char *number;

	return !form_of(name, &number);
}

bool sq_setting_is_fixed(const char *name, const char *value)
{
	static const char *const words[] = { "notsupported", "notimplemented", "forceoff" };

	for (size_t i = 0; strcmp(name, "smt") == 0 && i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(value, words[i]) == 0)
			return true;
	return false;
}

enum { LIST_NUMBERS = 65536 };

/* Into a bit each; false: it is no list. */
static bool list_read(const char *text, uint8_t ret_set[LIST_NUMBERS / 8])
{
	memset(ret_set, 0, LIST_NUMBERS / 8);
	do {
		char *end;
		unsigned long first, last;

		if (!isdigit((unsigned char)*text))
			return false;
		first = last = strtoul(text, &end, 10);
		if (*end == '-' && isdigit((unsigned char)end[1]))
			last = strtoul(end + 1, &end, 10);
		if (first > last || last >= LIST_NUMBERS)
			return false;
		for (; first <= last; first++)
			ret_set[first / 8] |= (uint8_t)(1U << first % 8);
		text = end;
	} while (*text++ == ',');
	return text[-1] == '\0';
}

bool sq_setting_is_same(const char *wrote, const char *found)
{
	uint8_t a[LIST_NUMBERS / 8], b[LIST_NUMBERS / 8];

	if (strcmp(wrote, found) == 0)
		return true;
	return list_read(wrote, a) && list_read(found, b) && memcmp(a, b, sizeof(a)) == 0;
}

int sq_setting_path(const char *name, char ret_path[SQ_SETTING_PATH])
{
	const char *number;
	const struct form *form = form_of(name, &number);
	char sysctl[SQ_SYSCTL_NAME];

	if (!form && sq_sysctl_name(name, sysctl) < 0)
		return -EINVAL;
	if (form)
		snprintf(ret_path, SQ_SETTING_PATH, "%s%s%s", form->before, number, form->behind);
	else
		snprintf(ret_path, SQ_SETTING_PATH, "/proc/sys/%s", sysctl);
	return 0;
}
