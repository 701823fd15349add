/* Flags of sockets, message pipes and data pipes. Shared by kernel and user mode. */
#pragma once

#define ZX_SOCKET_STREAM 0u
#define ZX_SOCKET_DATAGRAM 2u
#define ZX_SOCKET_HALF_CLOSE 1u /* an option of the write */

/* Only Magenta 2016 and 2017 know these objects, so they have no zx names. */
#define MX_FLAG_REPLY_PIPE 1u
#define MX_MSGPIPE_READ_FLAG_MAY_DISCARD 1u

#define MX_DATAPIPE_WRITE_FLAG_ALL_OR_NONE 1u
#define MX_DATAPIPE_WRITE_FLAG_MASK 1u
#define MX_DATAPIPE_READ_FLAG_ALL_OR_NONE 1u
#define MX_DATAPIPE_READ_FLAG_DISCARD 2u
#define MX_DATAPIPE_READ_FLAG_QUERY 4u
#define MX_DATAPIPE_READ_FLAG_PEEK 8u
#define MX_DATAPIPE_READ_FLAG_MASK 15u
