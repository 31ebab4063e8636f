/* SPDX-License-Identifier: GPL-2.0-only */
/* The only caller of libyaml's parser: text in, a tree of nodes with positions out. */
#ifndef LEAT_CONFIG_DOCUMENT_H
#define LEAT_CONFIG_DOCUMENT_H

#include <stddef.h>
#include <yaml.h>

#include "config/config.h"

#define DOCUMENT_MAX_BYTES   (8u << 20)
#define DOCUMENT_MAX_DEPTH   16	 /* lb.yaml needs 6 */
#define DOCUMENT_MAX_ANCHORS 256 /* libyaml looks each alias up in all of them */

/**
 * document_load - parse @text, which must hold one YAML document
 * @out: to be given to yaml_document_delete; has a root node
 * Returns 0, -EINVAL (what is wrong is in @errors), -ENOMEM.
 */
int document_load(const char *text, size_t size, yaml_document_t *out,
		  struct config_errors *errors);

/** document_pos - libyaml's mark as a position of ours */
struct model_pos document_pos(yaml_mark_t mark);

#endif
