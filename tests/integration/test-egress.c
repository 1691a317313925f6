/* safeweb-egress as it runs: a control socket, a listening socket a session, clients and servers on
 * loopback. The servers' ports are opened one by one; everything else on loopback has to be
 * refused. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/spawn.h"
#include "egress/egress.h"
#include "harness/test.h"
#include "wire/messages.h"

#define WAIT_MS 5000
#define TEXT_BYTES 65536

static int listen_on_loopback(uint16_t *ret_port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(fd >= 0);
	CHECK_INT(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	CHECK_INT(listen(fd, 64), 0);
	CHECK_INT(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

static int connect_to(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
			.sin_port = htons(port),
			.sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(fd >= 0);
	CHECK_INT(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void send_text(int fd, const char *text)
{
	CHECK_INT(send(fd, text, strlen(text), MSG_NOSIGNAL), (long long)strlen(text));
}

/* Reads until the end, or until wanted is there. Returns the length; -1 after WAIT_MS. */
static int read_text(int fd, const char *wanted, char text[TEXT_BYTES])
{
	int len = 0;
	text[0] = '\0';
	while (len < TEXT_BYTES - 1 && !(wanted && strstr(text, wanted))) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		if (poll(&ready, 1, WAIT_MS) != 1) {
			return -1;
		}
		ssize_t got = read(fd, text + len, (size_t)(TEXT_BYTES - 1 - len));
		if (got <= 0) {
			break;
		}
		len += (int)got;
		text[len] = '\0';
	}
	return len;
}

/* A server in a process of its own: serve(fd) for one connection after the other, each in a
 * process. */
struct server {
	pid_t pid;
	uint16_t port;
};

static struct server start_server(void (*serve)(int fd))
{
	struct server server;
	int listening = listen_on_loopback(&server.port);
	server.pid = fork();
	if (server.pid == 0) {
		signal(SIGCHLD, SIG_IGN);
		for (;;) {
			int fd = accept(listening, NULL, NULL);
			if (fork() == 0) {
				serve(fd);
				_exit(0);
			}
			close(fd);
		}
	}
	close(listening);
	return server;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

struct proxy {
	pid_t pid;
	int pidfd; /* -1: runs in a fork of the test */
	int control;
	uint16_t port; /* of session "one" */
};

static void add_session(const struct proxy *proxy, const char *id, uint16_t *ret_port)
{
	struct wire_egress_add add = {.session = wire_string_from(id)};
	uint8_t message[WIRE_EGRESS_ADD_MAX_BYTES];
	long len = wire_egress_add_encode(&add, message, sizeof(message));
	CLEANUP_CLOSE int listening = listen_on_loopback(ret_port);
	CHECK_INT(fds_send(proxy->control, message, (size_t)len, &listening, 1), 0);
}

static void remove_session(const struct proxy *proxy, const char *id)
{
	struct wire_egress_remove removal = {.session = wire_string_from(id)};
	uint8_t message[WIRE_EGRESS_REMOVE_MAX_BYTES];
	long len = wire_egress_remove_encode(&removal, message, sizeof(message));
	CHECK_INT(fds_send(proxy->control, message, (size_t)len, NULL, 0), 0);
}

/* The next report's length; 0 when there is none in time. */
static long next_report(const struct proxy *proxy, uint8_t *bytes, size_t size)
{
	struct pollfd ready = {.fd = proxy->control, .events = POLLIN};
	if (poll(&ready, 1, WAIT_MS) != 1) {
		return 0;
	}
	return recv(proxy->control, bytes, size, 0);
}

static void check_notice(const struct proxy *proxy, enum wire_notice_code code, const char *host)
{
	uint8_t bytes[1024];
	struct wire_egress_notice notice;
	long len = next_report(proxy, bytes, sizeof(bytes));
	CHECK_INT(wire_egress_notice_decode(bytes, (size_t)len, &notice), 0);
	CHECK_INT(notice.code, code);
	CHECK_BYTES(notice.session.bytes, notice.session.len, "one", 3);
	CHECK_BYTES(notice.host.bytes, notice.host.len, host, strlen(host));
}

static struct proxy start_program(const char *allow, const char *dns, const char *upstream)
{
	struct proxy proxy;
	struct error err = {0};
	int pair[2];
	CHECK_INT(fds_socketpair(SOCK_SEQPACKET, pair, &err), 0);
	char variables[4][512];
	snprintf(variables[0], sizeof(variables[0]), "SAFEWEB_EGRESS_ALLOW=%s", allow);
	snprintf(variables[1], sizeof(variables[1]), "SAFEWEB_EGRESS_DNS=%s", dns);
	snprintf(variables[2], sizeof(variables[2]), "SAFEWEB_EGRESS_PROXY=%s", upstream);
	snprintf(variables[3], sizeof(variables[3]), "SAFEWEB_STATE=/nonexistent");
	/* The leak checker cannot run behind a system call filter. */
	const char *const environment[] = {variables[0], variables[1], variables[2], variables[3],
			"ASAN_OPTIONS=detect_leaks=0", NULL};
	const char *program = getenv("SAFEWEB_EGRESS_PROGRAM");
	CHECK(program);
	const char *const argv[] = {program, NULL};
	const struct spawn_fd fds[] = {{pair[1], 3}, {2, 2}};
	const struct spawn_options options = {.path = program,
			.argv = argv,
			.envp = environment,
			.fds = fds,
			.fd_count = ARRAY_LENGTH(fds)};
	if (spawn_process(&options, &proxy.pid, &proxy.pidfd, &err) < 0) {
		test_fail(__FILE__, __LINE__, "%s", err.text);
	}
	close(pair[1]);
	proxy.control = pair[0];
	add_session(&proxy, "one", &proxy.port);
	return proxy;
}

/* The same code with other limits, in a fork of the test. */
static struct proxy start_limited(
		const char *allow, const char *dns, const struct egress_limits *limits)
{
	struct proxy proxy = {.pidfd = -1};
	struct error err = {0};
	int pair[2];
	CHECK_INT(fds_socketpair(SOCK_SEQPACKET, pair, &err), 0);
	proxy.pid = fork();
	if (proxy.pid == 0) {
		close(pair[0]);
		struct loop *loop;
		struct egress *egress;
		struct egress_options options = {.control_fd = pair[1],
				.allow = allow,
				.dns = dns,
				.proxy = "",
				.limits = limits};
		if (loop_create(&loop, &err) < 0 ||
				egress_create(loop, &options, &egress, &err) < 0) {
			_exit(1);
		}
		loop_run(loop);
		egress_destroy(egress);
		loop_destroy(loop);
		close(pair[1]);
		_exit(0);
	}
	close(pair[1]);
	proxy.control = pair[0];
	add_session(&proxy, "one", &proxy.port);
	return proxy;
}

/* Closing the control socket ends the program, orderly. */
static void end_proxy(struct proxy *proxy)
{
	close(proxy->control);
	int status;
	CHECK_INT(waitpid(proxy->pid, &status, 0), proxy->pid);
	CHECK(WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), 0);
	cleanup_close(&proxy->pidfd);
}

static const char *allow_one(uint16_t port)
{
	static char allow[64];
	snprintf(allow, sizeof(allow), "127.0.0.1/32:%u", port);
	return allow;
}

/* Sends a request and reads the whole answer. */
static int ask(uint16_t proxy_port, const char *request, char text[TEXT_BYTES])
{
	CLEANUP_CLOSE int fd = connect_to(proxy_port);
	send_text(fd, request);
	return read_text(fd, NULL, text);
}

static void check_status(uint16_t proxy_port, const char *request, const char *status)
{
	char text[TEXT_BYTES];
	CHECK(ask(proxy_port, request, text) > 0);
	if (strncmp(text, "HTTP/1.1 ", 9) != 0 || strncmp(text + 9, status, strlen(status)) != 0) {
		test_fail(__FILE__, __LINE__, "%s was answered %.60s, wanted %s", request, text,
				status);
	}
}

/* Answers each line until the client ends its direction, then says so. */
static void serve_echo(int fd)
{
	char text[TEXT_BYTES];
	ssize_t got;
	while ((got = read(fd, text, sizeof(text))) > 0) {
		if (write(fd, text, (size_t)got) != got) {
			return;
		}
	}
	send_text(fd, "<end seen>");
}

static int open_tunnel(const struct proxy *proxy, uint16_t to)
{
	char text[TEXT_BYTES];
	int fd = connect_to(proxy->port);
	snprintf(text, sizeof(text), "CONNECT 127.0.0.1:%u HTTP/1.1\r\nHost: x\r\n\r\n", to);
	send_text(fd, text);
	CHECK(read_text(fd, "\r\n\r\n", text) > 0);
	CHECK_TEXT(text, "HTTP/1.1 200 Connection established\r\n\r\n");
	return fd;
}

TEST(a_tunnel_carries_both_ways_and_closes_by_halves)
{
	char text[TEXT_BYTES];
	struct server server = start_server(serve_echo);
	struct proxy proxy = start_program(allow_one(server.port), "", "");
	CLEANUP_CLOSE int fd = open_tunnel(&proxy, server.port);
	send_text(fd, "hello");
	CHECK_INT(read_text(fd, "hello", text), 5);
	CHECK_INT(shutdown(fd, SHUT_WR), 0);
	CHECK(read_text(fd, NULL, text) > 0);
	CHECK_TEXT(text, "<end seen>");
	remove_session(&proxy, "one");
	uint8_t bytes[1024];
	struct wire_egress_usage usage;
	long len = next_report(&proxy, bytes, sizeof(bytes));
	CHECK_INT(wire_egress_usage_decode(bytes, (size_t)len, &usage), 0);
	CHECK_INT(usage.bytes_up, 5);
	CHECK_INT(usage.bytes_down, 5 + 10);
	CHECK_INT(usage.connections, 1);
	CHECK_INT(usage.refusals, 0);
	end_proxy(&proxy);
	stop(server.pid);
}

TEST(bytes_sent_too_early_arrive)
{
	char text[TEXT_BYTES];
	struct server server = start_server(serve_echo);
	struct proxy proxy = start_program(allow_one(server.port), "", "");
	CLEANUP_CLOSE int fd = connect_to(proxy.port);
	snprintf(text, sizeof(text), "CONNECT 127.0.0.1:%u HTTP/1.1\r\nHost: x\r\n\r\nearly",
			server.port);
	send_text(fd, text);
	CHECK(read_text(fd, "early", text) > 0);
	end_proxy(&proxy);
	stop(server.pid);
}

/* More than all buffers hold, both ways at once, byte for byte. */
TEST(a_tunnel_holds_back_and_loses_nothing)
{
	enum { TOTAL = 16 * 1024 * 1024 };
	struct server server = start_server(serve_echo);
	struct proxy proxy = start_program(allow_one(server.port), "", "");
	CLEANUP_CLOSE int fd = open_tunnel(&proxy, server.port);
	pid_t writer = fork();
	if (writer == 0) {
		static uint8_t chunk[65536];
		for (size_t at = 0; at < TOTAL; at += sizeof(chunk)) {
			for (size_t i = 0; i < sizeof(chunk); i++) {
				chunk[i] = (uint8_t)((at + i) * 2654435761u >> 24);
			}
			for (size_t sent = 0; sent < sizeof(chunk);) {
				ssize_t n = send(fd, chunk + sent, sizeof(chunk) - sent, 0);
				if (n < 0) {
					_exit(1);
				}
				sent += (size_t)n;
			}
		}
		shutdown(fd, SHUT_WR);
		_exit(0);
	}
	size_t at = 0;
	static uint8_t chunk[65536];
	while (at < TOTAL) {
		ssize_t got = read(fd, chunk, sizeof(chunk));
		CHECK(got > 0);
		for (ssize_t i = 0; i < got && at < TOTAL; i++, at++) {
			if (chunk[i] != (uint8_t)(at * 2654435761u >> 24)) {
				test_fail(__FILE__, __LINE__, "byte %zu is wrong", at);
			}
		}
	}
	waitpid(writer, NULL, 0);
	end_proxy(&proxy);
	stop(server.pid);
}

/* Sends back what it was asked, as a page. */
static void serve_page(int fd)
{
	char text[TEXT_BYTES];
	char answer[TEXT_BYTES + 256];
	if (read_text(fd, "\r\n\r\n", text) <= 0) {
		return;
	}
	if (strncmp(text, "POST", 4) == 0 && !strstr(text, "0\r\n\r\n")) {
		size_t len = strlen(text);
		read_text(fd, "0\r\n\r\n", text + len);
	}
	snprintf(answer, sizeof(answer),
			"HTTP/1.1 200 OK\r\nKeep-Alive: 5\r\nConnection: keep-alive\r\n"
			"Content-Length: %zu\r\n\r\n%s",
			strlen(text), text);
	send_text(fd, answer);
	if (strstr(text, "/reset")) {
		struct linger now = {.l_onoff = 1};
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	}
}

TEST(a_plain_page_is_fetched_and_nothing_rides_behind)
{
	char text[TEXT_BYTES];
	char request[512];
	struct server server = start_server(serve_page);
	struct proxy proxy = start_program(allow_one(server.port), "", "");
	snprintf(request, sizeof(request),
			"GET http://127.0.0.1:%u/a?b HTTP/1.1\r\nHost: other\r\nProxy-X: y\r\n\r\n"
			"GET http://127.0.0.1:%u/second HTTP/1.1\r\nHost: other\r\n\r\n",
			server.port, server.port);
	CHECK(ask(proxy.port, request, text) > 0);
	snprintf(request, sizeof(request),
			"HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n"
			"GET /a?b HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n\r\n",
			strlen("GET /a?b HTTP/1.1\r\nHost: 127.0.0.1:65535\r\nConnection: close\r\n"
			       "\r\n") - 5 +
					(size_t)snprintf(NULL, 0, "%u", server.port),
			server.port);
	CHECK_TEXT(text, request);
	snprintf(request, sizeof(request),
			"POST http://127.0.0.1:%u/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
			"chunked"
			"\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET http://127.0.0.1:22/second "
			"HTTP/1.1\r\n\r\n",
			server.port);
	CHECK(ask(proxy.port, request, text) > 0);
	CHECK(strstr(text, "3\r\nabc\r\n0\r\n\r\n"));
	CHECK(!strstr(text, "second"));
	end_proxy(&proxy);
	stop(server.pid);
}

static void serve_upgrade(int fd)
{
	char text[TEXT_BYTES];
	read_text(fd, "\r\n\r\n", text);
	if (!strstr(text, "Upgrade: websocket\r\n")) {
		return;
	}
	send_text(fd, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nhi:");
	serve_echo(fd);
}

TEST(a_plain_websocket_becomes_a_tunnel)
{
	char text[TEXT_BYTES];
	struct server server = start_server(serve_upgrade);
	struct proxy proxy = start_program(allow_one(server.port), "", "");
	CLEANUP_CLOSE int fd = connect_to(proxy.port);
	snprintf(text, sizeof(text),
			"GET http://127.0.0.1:%u/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
			"Upgrade: websocket\r\n\r\n",
			server.port);
	send_text(fd, text);
	CHECK(read_text(fd, "hi:", text) > 0);
	CHECK(strncmp(text, "HTTP/1.1 101 ", 13) == 0);
	CHECK(strstr(text, "Upgrade: websocket\r\n"));
	send_text(fd, "frame");
	CHECK_INT(read_text(fd, "frame", text), 5);
	end_proxy(&proxy);
	stop(server.pid);
}

/* Counts in a pipe whoever comes: nobody may. */
TEST(everything_else_on_this_machine_is_refused)
{
	uint16_t secret;
	CLEANUP_CLOSE int listening = listen_on_loopback(&secret);
	CHECK_INT(fds_set_nonblocking(listening), 0);
	uint16_t open;
	CLEANUP_CLOSE int opened = listen_on_loopback(&open);
	CHECK(opened != listening);
	struct proxy proxy = start_program(allow_one(open), "", "");
	static const char *const hosts[] = {"127.0.0.1", "localhost", "LOCALHOST.", "x.localhost",
			"127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "0", "0.0.0.0", "[::1]",
			"[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
			"[64:ff9b::7f00:1]", "[2002:7f00:1::]", "127.0.0.2", "[::ffff:0:7f00:1]"};
	for (size_t i = 0; i < ARRAY_LENGTH(hosts); i++) {
		char request[256];
		snprintf(request, sizeof(request), "CONNECT %s:%u HTTP/1.1\r\nHost: x\r\n\r\n",
				hosts[i], secret);
		check_status(proxy.port, request, "403");
		snprintf(request, sizeof(request), "GET http://%s:%u/ HTTP/1.1\r\nHost: x\r\n\r\n",
				hosts[i], secret);
		check_status(proxy.port, request, "403");
	}
	CHECK_INT(accept(listening, NULL, NULL), -1);
	CHECK_INT(errno, EAGAIN);
	check_notice(&proxy, WIRE_NOTICE_INTERNAL_ADDRESS, "127.0.0.1");
	remove_session(&proxy, "one");
	uint8_t bytes[1024];
	int notices = 1;
	struct wire_egress_usage usage;
	long len;
	while ((len = next_report(&proxy, bytes, sizeof(bytes))) > 0 &&
			wire_egress_usage_decode(bytes, (size_t)len, &usage) < 0) {
		notices++;
	}
	CHECK_INT(usage.refusals, 2 * (int)ARRAY_LENGTH(hosts));
	CHECK(notices >= 10 && notices <= 15); /* a burst of 10, then one a second */
	end_proxy(&proxy);
}

TEST(refusals_say_what_and_why)
{
	char text[TEXT_BYTES];
	struct proxy proxy = start_program("", "", "");
	CHECK(ask(proxy.port, "GET http://10.0.0.1/ HTTP/1.1\r\nHost: x\r\n\r\n", text) > 0);
	CHECK(strstr(text, "403 Forbidden") && strstr(text, "text/html"));
	CHECK(strstr(text, "10.0.0.1 was not opened, because it leads to an internal network"));
	check_notice(&proxy, WIRE_NOTICE_INTERNAL_ADDRESS, "10.0.0.1");
	check_status(proxy.port, "CONNECT 8.8.8.8:25 HTTP/1.1\r\nHost: x\r\n\r\n", "403");
	check_notice(&proxy, WIRE_NOTICE_PORT_REFUSED, "8.8.8.8");
	check_status(proxy.port, "CONNECT a.example:22 HTTP/1.1\r\nHost: x\r\n\r\n", "403");
	check_notice(&proxy, WIRE_NOTICE_PORT_REFUSED, "a.example");
	check_status(proxy.port, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n", "403");
	check_notice(&proxy, WIRE_NOTICE_ADDRESS_REFUSED, "");
	check_status(proxy.port, "nonsense\r\n\r\n", "400");
	check_notice(&proxy, WIRE_NOTICE_ADDRESS_REFUSED, "");
	end_proxy(&proxy);
}

TEST(a_server_that_is_not_there_is_unreachable)
{
	uint16_t port;
	close(listen_on_loopback(&port));
	struct proxy proxy = start_program(allow_one(port), "", "");
	char request[256];
	snprintf(request, sizeof(request), "CONNECT 127.0.0.1:%u HTTP/1.1\r\nHost: x\r\n\r\n",
			port);
	check_status(proxy.port, request, "502");
	check_notice(&proxy, WIRE_NOTICE_UNREACHABLE, "127.0.0.1");
	end_proxy(&proxy);
}

static void serve_nothing(int fd)
{
	char text[TEXT_BYTES];
	read_text(fd, "\r\n\r\n", text);
}

static void serve_cut(int fd)
{
	char text[TEXT_BYTES];
	struct linger now = {.l_onoff = 1};
	read_text(fd, "\r\n\r\n", text);
	send_text(fd, "HTTP/1.1 200 OK\r\n\r\npart");
	usleep(100 * 1000);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

TEST(broken_answers_are_not_taken_for_whole_ones)
{
	char request[256];
	char text[TEXT_BYTES];
	struct server nothing = start_server(serve_nothing);
	struct server cut = start_server(serve_cut);
	char allow[128];
	snprintf(allow, sizeof(allow), "127.0.0.1/32:%u,127.0.0.1/32:%u", nothing.port, cut.port);
	struct proxy proxy = start_program(allow, "", "");
	snprintf(request, sizeof(request), "GET http://127.0.0.1:%u/ HTTP/1.1\r\nHost: x\r\n\r\n",
			nothing.port);
	check_status(proxy.port, request, "502");
	CLEANUP_CLOSE int fd = connect_to(proxy.port);
	snprintf(request, sizeof(request), "GET http://127.0.0.1:%u/ HTTP/1.1\r\nHost: x\r\n\r\n",
			cut.port);
	send_text(fd, request);
	CHECK(read_text(fd, "part", text) > 0);
	CHECK_INT(read(fd, text, sizeof(text)), -1);
	CHECK_INT(errno, ECONNRESET);
	end_proxy(&proxy);
	stop(nothing.pid);
	stop(cut.pid);
}

/* An upstream proxy that answers CONNECT to one host, and shows other requests as it got them. */
static void serve_upstream(int fd)
{
	char text[TEXT_BYTES];
	read_text(fd, "\r\n\r\n", text);
	if (strncmp(text, "CONNECT good.example:443 ", 25) == 0) {
		send_text(fd, "HTTP/1.1 200 OK\r\n\r\n");
		serve_echo(fd);
	} else if (strncmp(text, "CONNECT ", 8) == 0) {
		send_text(fd, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
	} else {
		send_text(fd, "HTTP/1.1 200 OK\r\n\r\n");
		send_text(fd, text);
	}
}

TEST(an_upstream_proxy_gets_names_but_no_internal_address)
{
	char text[TEXT_BYTES];
	char upstream[64];
	struct server server = start_server(serve_upstream);
	snprintf(upstream, sizeof(upstream), "127.0.0.1:%u", server.port);
	struct proxy proxy = start_program("", "", upstream);
	CLEANUP_CLOSE int fd = connect_to(proxy.port);
	send_text(fd, "CONNECT good.example:443 HTTP/1.1\r\nHost: x\r\n\r\nearly");
	CHECK(read_text(fd, "early", text) > 0);
	CHECK(strstr(text, "200 Connection established\r\n\r\nearly"));
	check_status(proxy.port, "CONNECT bad.example:443 HTTP/1.1\r\nHost: x\r\n\r\n", "502");
	check_notice(&proxy, WIRE_NOTICE_UPSTREAM_PROXY, "bad.example");
	CHECK(ask(proxy.port, "GET http://a.example/p HTTP/1.1\r\nHost: x\r\n\r\n", text) > 0);
	CHECK(strstr(text, "GET http://a.example/p HTTP/1.1\r\nHost: a.example\r\n"));
	CHECK(ask(proxy.port,
			      "GET http://a.example/ws HTTP/1.1\r\nHost: x\r\n"
			      "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
			      text) > 0);
	CHECK(strstr(text, "GET http://a.example/ws ") && !strstr(text, "Upgrade"));
	check_status(proxy.port, "CONNECT 10.0.0.1:443 HTTP/1.1\r\nHost: x\r\n\r\n", "403");
	check_status(proxy.port, "CONNECT localhost:443 HTTP/1.1\r\nHost: x\r\n\r\n", "403");
	snprintf(text, sizeof(text), "CONNECT %s HTTP/1.1\r\nHost: x\r\n\r\n", upstream);
	check_status(proxy.port, text, "403");
	end_proxy(&proxy);
	stop(server.pid);
}

static struct egress_limits short_limits(void)
{
	struct egress_limits limits = egress_standard_limits;
	limits.head_timeout_ms = 300;
	limits.lookup_timeout_ms = 300;
	limits.idle_timeout_ms = 300;
	limits.half_closed_timeout_ms = 150;
	limits.linger_timeout_ms = 200;
	return limits;
}

TEST(slow_and_idle_clients_are_ended)
{
	char text[TEXT_BYTES];
	struct server server = start_server(serve_echo);
	struct egress_limits limits = short_limits();
	struct proxy proxy = start_limited(allow_one(server.port), "", &limits);
	CLEANUP_CLOSE int silent = connect_to(proxy.port);
	CLEANUP_CLOSE int slow = connect_to(proxy.port);
	CLEANUP_CLOSE int idle = open_tunnel(&proxy, server.port);
	uint64_t start = clock_now_ms();
	for (int i = 0; i < 5; i++) {
		/* A byte now and then does not help. */
		if (send(slow, "G", 1, MSG_NOSIGNAL) < 0) {
			break;
		}
		usleep(50 * 1000);
	}
	CHECK(read_text(slow, NULL, text) > 0);
	CHECK(strncmp(text, "HTTP/1.1 408", 12) == 0);
	CHECK_INT(read_text(silent, NULL, text), 0);
	CHECK_INT(read_text(idle, NULL, text), 0);
	CHECK(clock_now_ms() - start >= 250 && clock_now_ms() - start < WAIT_MS);
	end_proxy(&proxy);
	stop(server.pid);
}

TEST(a_dead_name_server_is_a_timeout)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(at);
	CLEANUP_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK_INT(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	CHECK_INT(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	char dns[64];
	snprintf(dns, sizeof(dns), "127.0.0.1:%u", ntohs(at.sin_port));
	struct egress_limits limits = short_limits();
	struct proxy proxy = start_limited("", dns, &limits);
	check_status(proxy.port, "CONNECT a.example:443 HTTP/1.1\r\nHost: x\r\n\r\n", "504");
	check_notice(&proxy, WIRE_NOTICE_TIMEOUT, "a.example");
	end_proxy(&proxy);
}

/* Answers every question with one A record, of the address in the name's first label: a-b-c-d. AAAA
 * questions get no record. */
static void answer_dns(int fd)
{
	uint8_t bytes[600];
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	ssize_t len = recvfrom(fd, bytes, 512, 0, (struct sockaddr *)&from, &from_len);
	if (len < 18) {
		return;
	}
	size_t end = 12;
	while (bytes[end]) {
		end += bytes[end] + 1u;
	}
	bool is_a = bytes[end + 2] == 1;
	end += 5;
	unsigned a, b, c, d;
	bytes[2] = 0x81;
	bytes[3] = 0x80;
	memset(bytes + 6, 0, 6);
	bytes[7] = is_a;
	if (is_a && sscanf((char *)bytes + 13, "%u-%u-%u-%u", &a, &b, &c, &d) == 4) {
		const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, (uint8_t)a,
				(uint8_t)b, (uint8_t)c, (uint8_t)d};
		memcpy(bytes + end, record, sizeof(record));
		end += sizeof(record);
	}
	sendto(fd, bytes, end, 0, (struct sockaddr *)&from, from_len);
}

TEST(the_address_behind_a_name_decides)
{
	char text[TEXT_BYTES];
	struct server server = start_server(serve_echo);
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(at);
	CLEANUP_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK_INT(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	CHECK_INT(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	pid_t dns_pid = fork();
	if (dns_pid == 0) {
		for (;;) {
			answer_dns(fd);
		}
	}
	char dns[64];
	snprintf(dns, sizeof(dns), "127.0.0.1:%u", ntohs(at.sin_port));
	struct proxy proxy = start_program(allow_one(server.port), dns, "");
	CLEANUP_CLOSE int client = connect_to(proxy.port);
	snprintf(text, sizeof(text),
			"CONNECT 127-0-0-1.a.example:%u HTTP/1.1\r\nHost: x\r\n\r\nthrough",
			server.port);
	send_text(client, text);
	CHECK(read_text(client, "through", text) > 0);
	CHECK(strstr(text, " 200 "));
	static const char *const hosts[] = {"10-0-0-1", "127-0-0-2", "169-254-169-254", "0-0-0-0",
			"192-168-0-1", "224-0-0-1", "127-0-0-1"};
	for (size_t i = 0; i < ARRAY_LENGTH(hosts); i++) {
		snprintf(text, sizeof(text), "GET http://%s.a.example/ HTTP/1.1\r\nHost: x\r\n\r\n",
				hosts[i]);
		check_status(proxy.port, text, "403");
	}
	end_proxy(&proxy);
	stop(dns_pid);
	stop(server.pid);
}

TEST(a_session_has_so_many_connections_and_no_more)
{
	char text[TEXT_BYTES];
	struct server server = start_server(serve_echo);
	struct egress_limits limits = egress_standard_limits;
	limits.session_connections = 2;
	struct proxy proxy = start_limited(allow_one(server.port), "", &limits);
	CLEANUP_CLOSE int first = open_tunnel(&proxy, server.port);
	CLEANUP_CLOSE int second = open_tunnel(&proxy, server.port);
	CHECK(second != first);
	CLEANUP_CLOSE int third = connect_to(proxy.port);
	snprintf(text, sizeof(text), "CONNECT 127.0.0.1:%u HTTP/1.1\r\nHost: x\r\n\r\n",
			server.port);
	send_text(third, text);
	struct pollfd ready = {.fd = third, .events = POLLIN};
	CHECK_INT(poll(&ready, 1, 300), 0); /* waits in the queue */
	uint16_t other;
	add_session(&proxy, "two", &other);
	check_status(other, "CONNECT 10.0.0.1:443 HTTP/1.1\r\nHost: x\r\n\r\n", "403");
	cleanup_close(&first);
	CHECK(read_text(third, "\r\n\r\n", text) > 0);
	CHECK(strstr(text, " 200 "));
	end_proxy(&proxy);
	stop(server.pid);
}

TEST(a_removed_session_ends_at_once)
{
	char text[TEXT_BYTES];
	struct server server = start_server(serve_echo);
	struct proxy proxy = start_program(allow_one(server.port), "", "");
	uint16_t other;
	add_session(&proxy, "two", &other);
	CLEANUP_CLOSE int mine = open_tunnel(&proxy, server.port);
	remove_session(&proxy, "one");
	CHECK_INT(read_text(mine, NULL, text), 0);
	struct sockaddr_in to = {.sin_family = AF_INET,
			.sin_port = htons(proxy.port),
			.sin_addr = {htonl(INADDR_LOOPBACK)}};
	CLEANUP_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_INT(connect(fd, (struct sockaddr *)&to, sizeof(to)), -1);
	check_status(other, "CONNECT 10.0.0.1:443 HTTP/1.1\r\nHost: x\r\n\r\n", "403");
	end_proxy(&proxy);
	stop(server.pid);
}

TEST(bad_orders_do_no_harm)
{
	struct proxy proxy = start_program("", "", "");
	uint16_t port;
	static const uint8_t nonsense[] = {0xff, 1, 2};
	CHECK_INT(fds_send(proxy.control, nonsense, sizeof(nonsense), NULL, 0), 0);
	add_session(&proxy, "one", &port); /* twice */
	add_session(&proxy, "a b", &port); /* no id */
	remove_session(&proxy, "unknown");
	struct wire_egress_add add = {.session = wire_string_from("file")};
	uint8_t message[WIRE_EGRESS_ADD_MAX_BYTES];
	long len = wire_egress_add_encode(&add, message, sizeof(message));
	CHECK_INT(fds_send(proxy.control, message, (size_t)len, &proxy.control, 1), 0);
	CHECK_INT(fds_send(proxy.control, message, (size_t)len, NULL, 0), 0);
	check_status(proxy.port, "CONNECT 10.0.0.1:443 HTTP/1.1\r\nHost: x\r\n\r\n", "403");
	end_proxy(&proxy);
}
