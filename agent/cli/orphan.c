/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/orphan.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* bpffs allows no dots in names: the data path pins them as colons */
static void orphan_append(const char *pin_name, char *interfaces, size_t size)
{
	size_t used = strlen(interfaces);

	snprintf(interfaces + used, size - used, "%s%s", used ? ", " : "", pin_name);
	for (char *at = interfaces + used; *at; at++) {
		if (*at == ':')
			*at = '.';
	}
}

static bool orphan_has_maps(const char *pin_dir)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/lb_slots", pin_dir);
	return access(path, F_OK) == 0;
}

enum orphan_state orphan_find(const char *pin_dir, char *interfaces, size_t size)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *links;

	interfaces[0] = '\0';
	snprintf(path, sizeof(path), "%s/links", pin_dir);
	links = opendir(path);
	if (links) {
		while ((entry = readdir(links))) {
			if (entry->d_name[0] != '.')
				orphan_append(entry->d_name, interfaces, size);
		}
		closedir(links);
	}
	if (interfaces[0])
		return ORPHAN_RUNNING;
	return orphan_has_maps(pin_dir) ? ORPHAN_DETACHED : ORPHAN_NONE;
}
