/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LEAT_VERSION_H
#define LEAT_VERSION_H

/* the Makefile says which; this is for builds by hand */
#ifndef LEAT_VERSION
#define LEAT_VERSION "0.1.0"
#endif

#endif
