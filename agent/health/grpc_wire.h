/* SPDX-License-Identifier: GPL-2.0-only */
/* The messages of grpc.health.v1.Health/Check as bytes. Pure. */
#ifndef LEAT_HEALTH_GRPC_WIRE_H
#define LEAT_HEALTH_GRPC_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define GRPC_PREFIX_SIZE 5 /* flag of compression, length of the message */

#define GRPC_SERVING 1

/**
 * grpc_request_new - a framed HealthCheckRequest
 * @service: name asked for; NULL or "": the server as a whole
 * @size:    of what is returned, in bytes
 * Returns memory to be freed, or NULL.
 * Source: gRPC over HTTP2, "Length-Prefixed-Message"; GRPC Health Checking Protocol.
 */
uint8_t *grpc_request_new(const char *service, size_t *size);

/**
 * grpc_response_read - the ServingStatus of a framed HealthCheckResponse
 * Fields that are not known are skipped; a status that is absent is 0.
 * Returns 0, -EBADMSG (not one whole message, or no protocol buffer), -EOPNOTSUPP (compressed).
 */
int grpc_response_read(const uint8_t *bytes, size_t size, uint64_t *status);

/** grpc_serving_name, grpc_status_name - "NOT_SERVING", "UNIMPLEMENTED"; "?" where not known */
const char *grpc_serving_name(uint64_t status);
const char *grpc_status_name(unsigned status);

/** grpc_message_decode - a grpc-message (percent-encoded) of @length bytes into @buf, as printable
 * ASCII; what does not fit is cut */
void grpc_message_decode(const char *text, size_t length, char *buf, size_t size);

#endif
