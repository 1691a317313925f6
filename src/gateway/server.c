#include "gateway/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "gateway/request.h"
#include "gateway/stream.h"
#include "gateway/tls.h"

/* All headers of a request together. */
#define HEADERS_MAX_BYTES 8192
/* Requests whose headers are read at once. */
#define HEADER_POOL 256
/* For a handshake, for headers, for a body. */
#define PATIENCE_S 15
#define HEADERS_PATIENCE_S 10
#define KEEPALIVE_S 30
/* A WebSocket that says nothing is asked after the first and dropped after the second. */
#define QUIET_PING_S 60
#define QUIET_HANGUP_S 90
/* In one write to TLS. The library's own choice is the size it reads with; it keeps the rest in a
 * copy. */
#define WRITE_MAX_BYTES (128 * 1024)
/* For close frames to go out at the end. */
#define STOP_MS 1000

const char *const server_calls[] = {
		/* TCP and the node's socket */
		"socket", "connect", "accept", "accept4", "bind", "listen", "setsockopt",
		"getsockname", "getpeername", "sendmmsg", "recvmmsg",
		/* the store */
		"openat", "open", "stat", "lstat", "statx", "access", "faccessat", "faccessat2",
		"unlink", "unlinkat", "ftruncate", "fdatasync", "fsync", "pwrite64", "fallocate",
		"fchmod", "fchown", "readlink", "readlinkat", "getcwd", "mkdir", "umask", "geteuid",
		"utimensat", "fstatfs", "flock",
		/* threads */
		"clone", "clone3", "setpriority", "set_tid_address", "mlock", "munlock", "ioctl",
		NULL};

/* ---- connections ---- */

/* Counts a new connection; -1 closes it. The key stays with it for the day it ends. */
static int count_connection(struct gateway *gateway, struct lws *wsi)
{
	char address[ORIGIN_ADDRESS_BYTES];
	request_address(wsi, address);
	uint64_t key = connections_key(address);
	if (!connections_add(&gateway->connections, key)) {
		audit_refused(gateway, "", address, NULL, "too many connections");
		return -1;
	}
	lws_set_opaque_user_data(wsi, (void *)(uintptr_t)key);
	return 0;
}

static void forget_connection(struct gateway *gateway, struct lws *wsi)
{
	uint64_t key = (uint64_t)(uintptr_t)lws_get_opaque_user_data(wsi);
	if (key) {
		lws_set_opaque_user_data(wsi, NULL);
		connections_remove(&gateway->connections, key);
	}
}

static int check_upgrade(struct lws *wsi, const char *upgrade)
{
	unsigned status = stream_check_upgrade(wsi, upgrade);
	if (status == 0) {
		return 0;
	}
	struct gateway *gateway = lws_context_user(lws_get_context(wsi));
	char address[ORIGIN_ADDRESS_BYTES];
	request_address(wsi, address);
	audit_refused(gateway, "", address, NULL, "upgrade");
	gateway->metrics.requests[status / 100]++;
	lws_return_http_status(wsi, status, NULL);
	return -1;
}

static int http_callback(
		struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	switch ((int)reason) {
	case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
		return count_connection(lws_context_user(lws_get_context(wsi)), wsi);
	case LWS_CALLBACK_WSI_DESTROY:
		forget_connection(lws_context_user(lws_get_context(wsi)), wsi);
		return 0;
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return check_upgrade(wsi, in);
	case LWS_CALLBACK_HTTP:
	case LWS_CALLBACK_HTTP_BODY:
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
	case LWS_CALLBACK_HTTP_WRITEABLE:
	case LWS_CALLBACK_CLOSED_HTTP:
	case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
		return request_callback(wsi, reason, user, in, len);
	/* The library answers CONNECT and unknown protocols with these; there are none here. */
	case LWS_CALLBACK_RAW_ADOPT:
	case LWS_CALLBACK_RAW_RX:
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
	case LWS_CALLBACK_ESTABLISHED:
		return -1;
	default:
		return 0;
	}
}

/* The inner loop has something to do. */
static int loop_callback(
		struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	(void)user, (void)in, (void)len;
	struct gateway *gateway = lws_context_user(lws_get_context(wsi));
	if (reason == LWS_CALLBACK_RAW_RX_FILE) {
		return loop_run_once(gateway->loop, 0) < 0 ? -1 : 0;
	}
	return 0;
}

static const struct lws_protocols protocols[] = {
		{.name = "http",
				.callback = http_callback,
				.per_session_data_size = sizeof(struct request *),
				.tx_packet_size = WRITE_MAX_BYTES},
		{.name = STREAM_PROTOCOL,
				.callback = stream_callback,
				.per_session_data_size = sizeof(struct stream *),
				.rx_buffer_size = WIRE_SHORT_MAX_BYTES,
				.tx_packet_size = WRITE_MAX_BYTES},
		{0},
};

static const struct lws_protocols loop_protocols[] = {
		{.name = "loop", .callback = loop_callback},
		{0},
};

static const lws_retry_bo_t quiet_policy = {
		.secs_since_valid_ping = QUIET_PING_S,
		.secs_since_valid_hangup = QUIET_HANGUP_S,
};

static void write_library_log(int level, const char *line)
{
	log_write(level & LLL_ERR ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, "libwebsockets: %.*s",
			(int)strcspn(line, "\n"), line);
}

/* ---- stages ---- */

/* The library says only that it failed; this says why. */
static int check_port(const struct gateway *gateway, struct error *err)
{
	const char *listen_text = settings_text(&gateway->settings, SETTING_LISTEN);
	uint16_t port = (uint16_t)settings_number(&gateway->settings, SETTING_PORT);
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	bool is_v4 = inet_pton(AF_INET, listen_text, &in.sin_addr) == 1;
	if (!is_v4 && *listen_text && inet_pton(AF_INET6, listen_text, &in6.sin6_addr) != 1) {
		return error_set(err, -EINVAL, "listen is no address: %.64s", listen_text);
	}
	CLEANUP_CLOSE int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 && !is_v4 && errno == EAFNOSUPPORT && !*listen_text) {
		return 0;
	}
	int on = 1;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
			bind(fd,
					is_v4 ? (const struct sockaddr *)&in
					      : (const struct sockaddr *)&in6,
					is_v4 ? sizeof(in) : sizeof(in6)) < 0 ||
			listen(fd, 1) < 0) {
		return error_set_errno(err, "cannot listen on port %u%s%s", port,
				*listen_text ? " of " : "", listen_text);
	}
	return 0;
}

static int create_context(struct gateway *gateway, struct error *err)
{
	struct lws_context_creation_info info = {
			.port = CONTEXT_PORT_NO_LISTEN,
			.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
					LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
					LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
			.gid = (gid_t)-1,
			.uid = (uid_t)-1,
			.user = gateway,
			.max_http_header_data = HEADERS_MAX_BYTES,
			.max_http_header_pool = HEADER_POOL,
			.pt_serv_buf_size = 16 * 1024,
			.server_string = "Safeweb",
			.ka_time = 60,
			.ka_probes = 3,
			.ka_interval = 10,
	};
	lws_set_log_level(LLL_ERR | LLL_WARN, write_library_log);
	gateway->context = lws_create_context(&info);
	return gateway->context ? 0 : error_set(err, -ENOMEM, "cannot start the WebSocket library");
}

static int create_listener(struct gateway *gateway, struct error *err)
{
	static struct tls_files files;
	int code = tls_prepare(settings_text(&gateway->settings, SETTING_STATE), &files, err);
	if (code < 0) {
		return code;
	}
	const char *listen_text = settings_text(&gateway->settings, SETTING_LISTEN);
	struct lws_context_creation_info info = {
			.vhost_name = "gateway",
			.port = (int)settings_number(&gateway->settings, SETTING_PORT),
			.iface = *listen_text ? listen_text : NULL,
			.protocols = protocols,
			.headers = request_standard_headers(),
			.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
					LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND,
			.ssl_cert_filepath = files.certificate,
			.ssl_private_key_filepath = files.key,
			.ssl_cipher_list = "ECDHE+AESGCM:ECDHE+CHACHA20",
			.ssl_options_set = SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 |
					SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					SSL_OP_CIPHER_SERVER_PREFERENCE,
			.alpn = "http/1.1",
			.keepalive_timeout = KEEPALIVE_S,
			.timeout_secs = PATIENCE_S,
			.timeout_secs_ah_idle = HEADERS_PATIENCE_S,
			.retry_and_idle_policy = &quiet_policy,
			.user = gateway,
	};
	gateway->vhost = lws_create_vhost(gateway->context, &info);
	return gateway->vhost
			? 0
			: error_set(err, -EIO, "cannot listen on port %d: see the line before",
					  info.port);
}

/* Hangs the inner loop's descriptor into the library's. */
static int join_loops(struct gateway *gateway, struct error *err)
{
	struct lws_context_creation_info info = {
			.vhost_name = "inside",
			.port = CONTEXT_PORT_NO_LISTEN_SERVER,
			.protocols = loop_protocols,
			.user = gateway,
	};
	struct lws_vhost *vhost = lws_create_vhost(gateway->context, &info);
	/* The library closes what it adopts. */
	lws_sock_file_fd_type fd = {.filefd = dup(loop_descriptor(gateway->loop))};
	if (!vhost || fd.filefd < 0 ||
			!lws_adopt_descriptor_vhost(
					vhost, LWS_ADOPT_RAW_FILE_DESC, fd, "loop", NULL)) {
		return error_set(err, -EIO, "cannot join the event loops");
	}
	return 0;
}

static void handle_signal(void *data, const struct signalfd_siginfo *info)
{
	(void)info;
	struct gateway *gateway = data;
	gateway->is_stopping = true;
}

int server_bind(struct gateway *gateway, const char *assets, struct error *err)
{
	static const int signals[] = {SIGTERM, SIGINT};
	int code = connections_init(&gateway->connections);
	if (code < 0) {
		return error_set(err, code, "no memory for the gateway");
	}
	code = assets_load(&gateway->assets, assets, err);
	if (code == 0) {
		code = check_port(gateway, err);
	}
	if (code == 0) {
		code = loop_create(&gateway->loop, err);
	}
	if (code == 0) {
		code = loop_catch_signals(gateway->loop, signals, ARRAY_LENGTH(signals),
				handle_signal, gateway, err);
	}
	if (code == 0) {
		loop_timer_init(gateway->loop, &gateway->recheck, gateway_handle_recheck, gateway);
		code = create_context(gateway, err);
	}
	if (code == 0) {
		code = create_listener(gateway, err);
	}
	return code < 0 ? code : join_loops(gateway, err);
}

static bool note_account(void *data, const struct store_account *account)
{
	(void)account;
	*(bool *)data = true;
	return false;
}

/* The first start: somebody has to be able to log in. Printed here and nowhere else. */
static int make_first_account(struct gateway *gateway, struct error *err)
{
	bool has_account = false;
	int code = store_account_list(gateway->store, note_account, &has_account, err);
	if (code < 0 || has_account) {
		return code;
	}
	char random[ACCOUNT_RANDOM_PASSWORD_BYTES];
	const char *password = settings_text(&gateway->settings, SETTING_ADMIN_PASSWORD);
	if (!*password) {
		account_random_password(random);
		password = random;
	}
	code = account_add(gateway->store, "admin", password, STORE_ADMIN, err);
	if (code < 0) {
		return error_prefix(err, "cannot make the first account");
	}
	printf("login admin %s\n", password);
	fflush(stdout);
	explicit_bzero(random, sizeof(random));
	audit_write(gateway, "account_added", "admin", "", NULL, "first start");
	return 0;
}

int server_start(struct gateway *gateway, struct error *err)
{
	int written = snprintf(gateway->node_path, sizeof(gateway->node_path), "%s/node.sock",
			settings_text(&gateway->settings, SETTING_RUN));
	if (written < 0 || (size_t)written >= sizeof(gateway->node_path)) {
		return error_set(err, -ENAMETOOLONG,
				"the run folder's name is longer than %zu bytes",
				sizeof(gateway->node_path) - sizeof("/node.sock"));
	}
	int code = throttle_init(&gateway->throttle);
	if (code == 0) {
		code = tickets_init(&gateway->tickets);
	}
	if (code < 0) {
		return error_set(err, code, "no memory for the gateway");
	}
	code = store_open_sqlite(settings_text(&gateway->settings, SETTING_STATE),
			STORE_GATEWAY_UID, STORE_GATEWAY_GID, &gateway->store, err);
	if (code == 0) {
		code = make_first_account(gateway, err);
	}
	if (code == 0) {
		code = password_pool_create(gateway->loop, &gateway->passwords, err);
	}
	return code < 0 ? code
			: node_link_create(gateway->loop, gateway->node_path, &session_events,
					  gateway, &gateway->node, err);
}

int server_port(const struct gateway *gateway)
{
	return lws_get_vhost_listen_port(gateway->vhost);
}

static void handle_loop_timer(lws_sorted_usec_list_t *sul)
{
	(void)sul; /* it only has to wake the library; step() runs the inner loop */
}

/* One round of the library's loop and of the inner one. */
static int step(struct gateway *gateway, lws_sorted_usec_list_t *sul)
{
	int timeout_ms = loop_timeout_ms(gateway->loop);
	if (timeout_ms >= 0) {
		lws_sul_schedule(gateway->context, 0, sul, handle_loop_timer,
				(lws_usec_t)timeout_ms * 1000 + 1);
	} else {
		lws_sul_cancel(sul);
	}
	if (lws_service(gateway->context, 0) < 0) {
		return -EIO;
	}
	int code = loop_run_once(gateway->loop, 0);
	if (gateway->has_pauses) {
		stream_apply_pauses(gateway);
	}
	return code;
}

static void handle_stop_time(struct loop_timer *timer)
{
	*(bool *)timer->data = true;
}

int server_run(struct gateway *gateway, struct error *err)
{
	lws_sorted_usec_list_t sul = {0};
	bool is_time_over = false;
	struct loop_timer stop_timer;
	loop_timer_init(gateway->loop, &stop_timer, handle_stop_time, &is_time_over);
	int code = 0;
	while (code >= 0 && !gateway->is_stopping) {
		code = step(gateway, &sul);
	}
	stream_close_all(gateway);
	loop_timer_arm(&stop_timer, STOP_MS);
	while (code >= 0 && gateway->stream_count > 0 && !is_time_over) {
		code = step(gateway, &sul);
	}
	loop_timer_disarm(&stop_timer);
	lws_sul_cancel(&sul);
	return code < 0 ? error_set(err, code, "the event loop failed") : 0;
}

void server_finish(struct gateway *gateway)
{
	password_pool_destroy(gateway->passwords);
	node_link_destroy(gateway->node);
	if (gateway->context) {
		lws_context_destroy(gateway->context);
	}
	loop_destroy(gateway->loop);
	store_close(gateway->store);
	tickets_finish(&gateway->tickets);
	throttle_finish(&gateway->throttle);
	assets_finish(&gateway->assets);
	connections_finish(&gateway->connections);
	settings_finish(&gateway->settings);
}
