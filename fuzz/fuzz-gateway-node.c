/* All that a hostile node may say on its control connection, through a real socket. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/loop.h"
#include "gateway/node_link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];
static int listener = -1;
static struct loop *loop;
static struct node_link *control;
static int claims_answered;

static void check_session(const char *session)
{
	assert(node_session_is_valid((struct wire_string){session, strlen(session)}));
}

static void handle_claimed(void *data, const struct node_answer *answer)
{
	(void)data;
	claims_answered++;
	if (answer->code == 0) {
		check_session(answer->session);
		assert(strlen(answer->token) > 0);
	}
}

static void handle_ready(void *data, const char (*sessions)[STORE_SESSION_BYTES], size_t count)
{
	(void)data;
	for (size_t i = 0; i < count; i++) {
		check_session(sessions[i]);
	}
	node_claim(control, handle_claimed, NULL);
	node_release(control, "0123456789abcdef0123456789abcdef", NULL, NULL);
}

static void handle_ended(void *data, const char *session, uint16_t reason)
{
	(void)data, (void)reason;
	check_session(session);
}

static void handle_notice(void *data, const char *session, uint16_t code, struct wire_string detail)
{
	(void)data, (void)code;
	check_session(session);
	assert(detail.len <= WIRE_SESSION_NOTICE_DETAIL_MAX_BYTES);
}

static const struct node_events events = {
		.ready = handle_ready, .ended = handle_ended, .notice = handle_notice};

static void remove_socket(void)
{
	unlink(path);
}

static void begin_once(void)
{
	if (listener >= 0) {
		return;
	}
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(path, sizeof(path), "/tmp/safeweb-fuzz-node-%d", (int)getpid());
	memcpy(address.sun_path, path, sizeof(path));
	unlink(path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int code = bind(listener, (const struct sockaddr *)&address, sizeof(address));
	assert(code == 0);
	code = listen(listener, 8);
	assert(code == 0);
	code = loop_create(&loop, NULL);
	assert(code == 0);
	atexit(remove_socket);
	setenv("SAFEWEB_LOG", "none", 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	begin_once();
	int code = node_link_create(loop, path, &events, NULL, &control, NULL);
	assert(code == 0);
	int node = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert(node >= 0);
	ssize_t sent = size ? send(node, data, size, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
	(void)sent;
	shutdown(node, SHUT_WR);
	claims_answered = 0;
	for (int i = 0; i < 20; i++) {
		loop_run_once(loop, 0);
	}
	assert(claims_answered <= 1);
	node_link_destroy(control);
	close(node);
	return 0;
}
