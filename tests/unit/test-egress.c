#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "egress/body.h"
#include "egress/policy.h"
#include "egress/rate.h"
#include "egress/reply.h"
#include "egress/request.h"
#include "egress/response.h"
#include "harness/test.h"

static struct address parsed(const char *text)
{
	struct address address;
	if (address_parse(text, strlen(text), &address) < 0) {
		test_fail(__FILE__, __LINE__, "%s is no address", text);
	}
	return address;
}

static bool is_special(const char *text)
{
	struct address address = parsed(text);
	return address_special_range(&address) != NULL;
}

TEST(only_canonical_addresses_are_addresses)
{
	static const char *const bad[] = {"", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.04",
			"01.2.3.4", "0x7f.0.0.1", "2130706433", "127.1", "1.2.3.4.", ".1.2.3.4",
			"1..2.3", "1.2.3.4 ", " 1.2.3.4", "1.2.3.-4", "1.2.3.+4", "1.2.3.4444", ":",
			":::", "1::2::3", "::1%lo", "fe80::1%1", "::ffff:1.2.3", "::ffff:01.2.3.4",
			"1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "[::1]", "::1 ", "g::1"};
	struct address address;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		if (address_parse(bad[i], strlen(bad[i]), &address) == 0) {
			test_fail(__FILE__, __LINE__, "\"%s\" was taken", bad[i]);
		}
	}
	CHECK_INT(address_parse("::1\0", 4, &address), -EINVAL);
	static const char *const good[] = {"0.0.0.0", "255.255.255.255", "8.8.8.8", "::", "::1",
			"2001:db8::1", "fe80::1"};
	for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
		char text[ADDRESS_TEXT_BYTES];
		address = parsed(good[i]);
		address_format(&address, text);
		CHECK_TEXT(text, good[i]);
	}
}

/* The first and last address of each range and their neighbours outside: NULL where the neighbour
 * lies in another range. */
static const struct {
	const char *before, *first, *last, *after;
} edges[] = {
		{NULL, "0.0.0.0", "0.255.255.255", "1.0.0.0"},
		{"9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"},
		{"100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"},
		{"126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"},
		{"169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"},
		{"172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"},
		{"191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"},
		{"192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"},
		{"192.31.195.255", "192.31.196.0", "192.31.196.255", "192.31.197.0"},
		{"192.52.192.255", "192.52.193.0", "192.52.193.255", "192.52.194.0"},
		{"192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"},
		{"192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"},
		{"192.175.47.255", "192.175.48.0", "192.175.48.255", "192.175.49.0"},
		{"198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"},
		{"198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"},
		{"203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"},
		{"223.255.255.255", "224.0.0.0", "239.255.255.255", NULL},
		{NULL, "240.0.0.0", "255.255.255.255", NULL},
		/* below 2000::/3 and above it nothing is public */
		{NULL, "::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2000::"},
		{"2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
				"2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"},
		{"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::",
				"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"},
		{"2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
				"2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::"},
		{"2620:4f:7fff:ffff:ffff:ffff:ffff:ffff", "2620:4f:8000::",
				"2620:4f:8000:ffff:ffff:ffff:ffff:ffff", "2620:4f:8001::"},
		{"3ffd:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
				"3ffe::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"},
		{"3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
				"4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
};

TEST(every_range_ends_where_iana_says)
{
	for (size_t i = 0; i < ARRAY_LENGTH(edges); i++) {
		if (!is_special(edges[i].first) || !is_special(edges[i].last)) {
			test_fail(__FILE__, __LINE__, "%s or %s is not special", edges[i].first,
					edges[i].last);
		}
		if ((edges[i].before && is_special(edges[i].before)) ||
				(edges[i].after && is_special(edges[i].after))) {
			test_fail(__FILE__, __LINE__, "a neighbour of %s is special",
					edges[i].first);
		}
	}
}

TEST(every_special_address_is_refused_by_default)
{
	static const char *const internal[] = {"127.0.0.1", "0.0.0.0", "169.254.169.254",
			"10.0.0.1", "100.100.100.200", "168.63.129.16", "::1", "::", "::127.0.0.1",
			"::ffff:169.254.169.254", "::ffff:8.8.8.8", "::ffff:0:10.0.0.1",
			"64:ff9b::a00:1", "64:ff9b::808:808", "64:ff9b:1::a00:1",
			"2002:a00:1::", "2001::1", "fe80::1", "fec0::1", "fd00:ec2::254", "fc00::1",
			"ff02::1", "100::1", "5f00::1", "2001:db8::1", "3fff::1", "255.255.255.255",
			"224.0.0.1"};
	struct policy policy = {0};
	for (size_t i = 0; i < ARRAY_LENGTH(internal); i++) {
		struct address address = parsed(internal[i]);
		if (policy_check(&policy, &address, 443) != POLICY_INTERNAL) {
			test_fail(__FILE__, __LINE__, "%s is not refused", internal[i]);
		}
	}
	static const char *const public[] = {
			"8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001::1"};
	for (size_t i = 0; i < ARRAY_LENGTH(public); i++) {
		struct address address = parsed(public[i]);
		CHECK_INT(policy_check(&policy, &address, 443), POLICY_ALLOWED);
		CHECK_INT(policy_check(&policy, &address, 25), POLICY_PORT);
		CHECK_INT(policy_check(&policy, &address, 8443), POLICY_ALLOWED);
	}
}

static enum policy_verdict verdict(const struct policy *policy, const char *text, uint16_t port)
{
	struct address address = parsed(text);
	return policy_check(policy, &address, port);
}

TEST(an_opening_opens_what_it_names_and_nothing_else)
{
	struct policy policy = {0};
	struct error err;
	CHECK_INT(policy_parse_openings(&policy,
				  "198.18.0.0/15, 10.1.2.3:6379,[fd00:1::/32]:443,169.254.0.0/16,"
				  "64:ff9b::/96,127.0.0.0/8",
				  &err),
			0);
	CHECK_INT(policy.opening_count, 6);
	CHECK_INT(verdict(&policy, "198.18.0.1", 443), POLICY_ALLOWED);
	CHECK_INT(verdict(&policy, "198.20.0.1", 443), POLICY_ALLOWED); /* public anyway */
	CHECK_INT(verdict(&policy, "198.18.0.1", 25), POLICY_PORT);
	CHECK_INT(verdict(&policy, "10.1.2.3", 6379), POLICY_ALLOWED);
	CHECK_INT(verdict(&policy, "10.1.2.3", 443), POLICY_INTERNAL);
	CHECK_INT(verdict(&policy, "10.1.2.4", 6379), POLICY_INTERNAL);
	CHECK_INT(verdict(&policy, "fd00:1::7", 443), POLICY_ALLOWED);
	CHECK_INT(verdict(&policy, "fd00:1::7", 80), POLICY_INTERNAL);
	CHECK_INT(verdict(&policy, "169.254.1.1", 80), POLICY_ALLOWED);
	CHECK_INT(verdict(&policy, "169.254.169.254", 80), POLICY_INTERNAL);
	CHECK_INT(verdict(&policy, "64:ff9b::808:808", 80), POLICY_ALLOWED);
	CHECK_INT(verdict(&policy, "64:ff9b::a00:1", 80), POLICY_INTERNAL);
	CHECK_INT(verdict(&policy, "64:ff9b::a9fe:a9fe", 80), POLICY_INTERNAL);
	CHECK(policy_port_can_pass(&policy, 6379));
	CHECK(!policy_port_can_pass(&policy, 25));
	CHECK(!policy_port_can_pass(&policy, 0));
	CHECK(policy_port_can_pass(&policy, 8080));
}

TEST(this_machine_needs_an_opening_of_its_own)
{
	struct policy policy = {.own_count = 2, .own = {parsed("198.18.0.1"), parsed("8.8.4.4")}};
	struct error err;
	CHECK_INT(policy_parse_openings(&policy, "198.18.0.0/15", &err), 0);
	CHECK_INT(verdict(&policy, "198.18.0.1", 443), POLICY_INTERNAL);
	CHECK_INT(verdict(&policy, "8.8.4.4", 443), POLICY_INTERNAL);
	CHECK_INT(verdict(&policy, "198.18.0.2", 443), POLICY_ALLOWED);
	CHECK_INT(policy_parse_openings(&policy, "8.8.4.4/32:443", &err), 0);
	CHECK_INT(verdict(&policy, "8.8.4.4", 443), POLICY_ALLOWED);
	CHECK_INT(verdict(&policy, "8.8.4.4", 80), POLICY_INTERNAL);
}

TEST(this_machines_addresses_are_found)
{
	struct policy policy = {0};
	struct error err;
	CHECK_INT(policy_read_own_addresses(&policy, &err), 0);
	CHECK(policy.own_count > 0);
	policy.opening_count = 0;
	char text[ADDRESS_TEXT_BYTES];
	for (size_t i = 0; i < policy.own_count; i++) {
		address_format(&policy.own[i], text);
		CHECK_INT(verdict(&policy, text, 443), POLICY_INTERNAL);
	}
}

TEST(bad_openings_are_refused_by_name)
{
	static const char *const bad[] = {"x", "10.0.0.0/33", "10.0.0.1/8", "0.0.0.0/0", "::/0",
			"10.0.0.0/7", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/8:", "10.0.0.0/8:0",
			"10.0.0.0/8:65536", "10.0.0.0/8:http", "[fd00::/16", "[fd00::/16]x",
			"[fd00::/16]:", "10/8", "10.0.0.0/8,,10.0.0.0/8", ",", "localhost",
			"fd00::/129", "10.0.0.0/8 :80"};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		struct policy policy = {0};
		struct error err = {0};
		if (policy_parse_openings(&policy, bad[i], &err) != -EINVAL ||
				!strstr(err.text, "egress_allow")) {
			test_fail(__FILE__, __LINE__, "\"%s\" was taken", bad[i]);
		}
	}
}

static int parse_authority(const char *text, struct target *target)
{
	return target_parse_authority(text, strlen(text), 0, target);
}

TEST(hosts_are_names_or_canonical_addresses)
{
	struct target target;
	CHECK_INT(parse_authority("Example.COM:443", &target), 0);
	CHECK_TEXT(target.host, "example.com");
	CHECK_INT(target.port, 443);
	CHECK(!target.is_literal);
	CHECK_INT(parse_authority("example.com.:443", &target), 0);
	CHECK_TEXT(target.host, "example.com");
	CHECK_INT(parse_authority("[2001:DB8::1]:80", &target), 0);
	CHECK_TEXT(target.host, "2001:db8::1");
	CHECK(target.is_literal);
	CHECK_INT(parse_authority("1.2.3.4:80", &target), 0);
	CHECK(target.is_literal);
	static const char *const spelled[] = {"127.1:80", "2130706433:80", "0x7f000001:80",
			"0X7F.0.0.1:80", "017700000001:80", "0177.0.0.1:80", "1.2.3.256:80",
			"a.b.1:80", "1.2.3.4.5:80", "0:80", "0x:80", "1.2.3.0x4:80"};
	for (size_t i = 0; i < ARRAY_LENGTH(spelled); i++) {
		if (parse_authority(spelled[i], &target) != -EPERM) {
			test_fail(__FILE__, __LINE__, "%s: wrong answer", spelled[i]);
		}
	}
	static const char *const bad[] = {"", ":80", "a", "a:", "a:0", "a:65536", "a:080", "a:+80",
			"a:8 0", "a b:80", "user@a:80", "a:b@c:80", "a%2e:80", "[::1:80", "::1:80",
			"[::1]", "[1.2.3.4]:80", "[::1%25lo]:80", "a..b:80", ".a:80", "a..:80",
			"1.2.3.4.:80", "a/b:80", "a\\b:80", "\xc3\xa4:80", "a\r\n:80"};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		if (parse_authority(bad[i], &target) != -EINVAL) {
			test_fail(__FILE__, __LINE__, "\"%s\": wrong answer", bad[i]);
		}
	}
}

TEST(names_have_the_length_of_dns)
{
	char name[300];
	struct target target;
	memset(name, 'a', sizeof(name));
	for (size_t i = 63; i < 253; i += 64) {
		name[i] = '.';
	}
	CHECK_INT(target_parse_authority(name, 253, 80, &target), 0);
	CHECK_INT(target_parse_authority(name, 254, 80, &target), -EINVAL);
	name[63] = 'a';
	CHECK_INT(target_parse_authority(name, 100, 80, &target), -EINVAL);
}

TEST(local_names_are_known)
{
	struct target target;
	static const char *const local[] = {"localhost:80", "LOCALHOST.:80", "a.localhost:80"};
	for (size_t i = 0; i < ARRAY_LENGTH(local); i++) {
		CHECK_INT(parse_authority(local[i], &target), 0);
		CHECK(target_is_local_name(&target));
	}
	CHECK_INT(parse_authority("notlocalhost:80", &target), 0);
	CHECK(!target_is_local_name(&target));
}

static struct request request;

static int parse(const char *head)
{
	return request_parse(head, strlen(head), &request);
}

#define HOST "Host: a.example\r\n"

TEST(requests_are_read)
{
	CHECK_INT(parse("CONNECT a.example:443 HTTP/1.1\r\n" HOST "\r\n"), 0);
	CHECK_INT(request.kind, REQUEST_CONNECT);
	CHECK_TEXT(request.target.host, "a.example");
	CHECK_INT(parse("POST http://a.example:8080/x?y HTTP/1.1\r\n" HOST
			"Content-Length: 12\r\n\r\n"),
			0);
	CHECK_INT(request.kind, REQUEST_PLAIN);
	CHECK_INT(request.target.port, 8080);
	CHECK_INT(request.body, REQUEST_BODY_LENGTH);
	CHECK_INT(request.body_bytes, 12);
	CHECK_BYTES(request.path.bytes, request.path.len, "/x?y", 4);
	CHECK_INT(parse("GET http://a.example HTTP/1.0\r\n\r\n"), 0);
	CHECK_INT(request.path.len, 0);
	CHECK_INT(parse("GET http://a.example/ HTTP/1.1\r\n" HOST
			"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n"),
			0);
	CHECK(request.is_upgrade);
}

TEST(what_could_be_read_two_ways_is_refused)
{
	static const char *const bad[] = {
			"GET http://a.example/ HTTP/1.1\r\n" HOST
			"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
			"GET http://a.example/ HTTP/1.1\r\n" HOST
			"Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
			"GET http://a.example/ HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n\r\n",
			"GET http://a.example/ HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\n",
			"GET http://a.example/ HTTP/1.1\r\n" HOST "Content-Length: \r\n\r\n",
			"GET http://a.example/ HTTP/1.1\r\n" HOST
			"Content-Length: 18446744073709551617\r\n\r\n",
			"GET http://a.example/ HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n",
			"GET http://a.example/ HTTP/1.1\r\n" HOST
			"Transfer-Encoding: chunked, chunked\r\n\r\n",
			"GET http://a.example/ HTTP/1.1\r\n" HOST
			"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
			"GET http://a.example/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
			"GET http://a.example/ HTTP/1.1\r\n" HOST HOST "\r\n",
			"GET http://a.example/ HTTP/1.1\r\n\r\n",
			"GET http://a.example/ HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n",
			"GET http://a.example/ HTTP/1.1\r\n" HOST "X : a\r\n\r\n",
			"GET http://a.example/ HTTP/1.1\r\n" HOST "X: a\n\r\n",
			"GET http://a.example/ HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n",
			"GET http://a.example/ HTTP/1.1\r\n" HOST "X: \x01\r\n\r\n",
			"GET http://a.example/ HTTP/1.1\r\n" HOST ": a\r\n\r\n",
			"GET http://a.example/ HTTP/1.1\r\n" HOST "X\r\n\r\n",
			"GET http://a.example/ HTTP/1.1\n" HOST "\r\n",
			"GET  http://a.example/ HTTP/1.1\r\n" HOST "\r\n",
			"GET http://a.example/ HTTP/1.1 \r\n" HOST "\r\n",
			"GET http://a.example/ HTTP/2.0\r\n" HOST "\r\n",
			"GET http://a.example/ http/1.1\r\n" HOST "\r\n",
			"GET http://a.example/\r\n\r\n",
			"G@T http://a.example/ HTTP/1.1\r\n" HOST "\r\n",
			"GET http://a.example/#f HTTP/1.1\r\n" HOST "\r\n",
			"GET http://u@a.example/ HTTP/1.1\r\n" HOST "\r\n",
			"GET http://a.example\\@b/ HTTP/1.1\r\n" HOST "\r\n",
			"GET http:///x HTTP/1.1\r\n" HOST "\r\n",
			"CONNECT a.example HTTP/1.1\r\n" HOST "\r\n",
			"CONNECT http://a.example:443/ HTTP/1.1\r\n" HOST "\r\n",
			"CONNECT a.example:443 HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n",
			"\r\nGET http://a.example/ HTTP/1.1\r\n" HOST "\r\n",
	};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		if (parse(bad[i]) != -EBADMSG) {
			test_fail(__FILE__, __LINE__, "number %zu was not refused: %s", i, bad[i]);
		}
	}
	CHECK_INT(parse("GET /x HTTP/1.1\r\n" HOST "\r\n"), -EPROTONOSUPPORT);
	CHECK_INT(parse("GET https://a.example/ HTTP/1.1\r\n" HOST "\r\n"), -EPROTONOSUPPORT);
	CHECK_INT(parse("GET ftp://a.example/ HTTP/1.1\r\n" HOST "\r\n"), -EPROTONOSUPPORT);
	CHECK_INT(parse("TRACE http://a.example/ HTTP/1.1\r\n" HOST "\r\n"), -EPROTONOSUPPORT);
	CHECK_INT(parse("GET http://0x7f.1/ HTTP/1.1\r\n" HOST "\r\n"), -EPERM);
}

TEST(caps_hold)
{
	CLEANUP_FREE char *head = malloc(HEAD_MAX_BYTES + 4096);
	CHECK(head);
	int len = sprintf(head, "GET http://a.example/ HTTP/1.1\r\n" HOST);
	for (int i = 1; i < REQUEST_MAX_FIELDS; i++) {
		len += sprintf(head + len, "X: y\r\n");
	}
	strcpy(head + len, "\r\n");
	CHECK_INT(parse(head), 0);
	strcpy(head + len, "X: y\r\n\r\n");
	CHECK_INT(parse(head), -E2BIG);
	size_t scanned = 0;
	memset(head, 'x', HEAD_MAX_BYTES + 1);
	CHECK_INT(head_find_end(head, HEAD_MAX_BYTES - 1, false, &scanned), 0);
	CHECK_INT(head_find_end(head, HEAD_MAX_BYTES, false, &scanned), -EMSGSIZE);
	len = sprintf(head, "GET http://a.example/");
	memset(head + len, 'x', REQUEST_TARGET_MAX_BYTES);
	strcpy(head + len + REQUEST_TARGET_MAX_BYTES, " HTTP/1.1\r\n" HOST "\r\n");
	CHECK_INT(parse(head), -E2BIG);
}

TEST(a_head_is_found_byte_by_byte)
{
	const char head[] = "GET / HTTP/1.1\r\nA: b\r\n\r\nrest";
	size_t scanned = 0;
	size_t end = strlen(head) - 4;
	for (size_t len = 0; len < end; len++) {
		CHECK_INT(head_find_end(head, len, false, &scanned), 0);
	}
	CHECK_INT(head_find_end(head, end, false, &scanned), (long)end);
	scanned = 0;
	CHECK_INT(head_find_end("a\nb\n\nc", 6, false, &scanned), 0);
	scanned = 0;
	CHECK_INT(head_find_end("a\nb\n\nc", 6, true, &scanned), 5);
}

static void check_written(const char *head, bool to_proxy, const char *wanted)
{
	struct buffer out;
	buffer_init(&out, 65536);
	CHECK_INT(parse(head), 0);
	CHECK_INT(request_write(&request, to_proxy, &out), 0);
	CHECK_BYTES(buffer_head(&out), buffer_length(&out), wanted, strlen(wanted));
	buffer_finish(&out);
}

TEST(only_what_concerns_the_server_is_passed_on)
{
	check_written("GET http://A.example?q HTTP/1.1\r\nHost: evil.example\r\nAccept: */*\r\n"
		      "Proxy-Authorization: x\r\nProxy-Connection: keep-alive\r\nTE: trailers\r\n"
		      "Connection: keep-alive, X-Secret\r\nX-Secret: 1\r\nKeep-Alive: 5\r\n"
		      "Upgrade: h2c\r\nHTTP2-Settings: x\r\nCookie: a=b\r\n\r\n",
			false,
			"GET /?q HTTP/1.1\r\nHost: a.example\r\nAccept: */*\r\nCookie: a=b\r\n"
			"Connection: close\r\n\r\n");
	check_written("POST http://[2001:db8::1]:8080/ HTTP/1.1\r\nHost: x\r\n"
		      "transfer-encoding: Chunked\r\n\r\n",
			true,
			"POST http://[2001:db8::1]:8080/ HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n"
			"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
	check_written("GET http://a.example:80/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
		      "Upgrade: WebSocket\r\nSec-WebSocket-Key: k\r\n\r\n",
			false,
			"GET /ws HTTP/1.1\r\nHost: a.example\r\nSec-WebSocket-Key: k\r\n"
			"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
	check_written("POST http://a.example/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
			false,
			"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n"
			"Connection: close\r\n\r\n");
}

static long take_whole(enum request_body kind, uint64_t length, const char *bytes, bool *ret_done)
{
	struct body body;
	struct request of = {.body = kind, .body_bytes = length};
	body_init(&body, &of);
	long whole = body_take(&body, (const uint8_t *)bytes, strlen(bytes));
	*ret_done = body.state == BODY_DONE;
	/* In single bytes it is the same. */
	body_init(&body, &of);
	long at = 0;
	for (size_t i = 0; i < strlen(bytes); i++) {
		long taken = body_take(&body, (const uint8_t *)bytes + i, 1);
		if (taken < 0) {
			at = taken;
			break;
		}
		at += taken;
	}
	CHECK_INT(at, whole);
	return whole;
}

TEST(a_body_ends_where_it_says)
{
	bool done;
	CHECK_INT(take_whole(REQUEST_BODY_NONE, 0, "GET ", &done), 0);
	CHECK(done);
	CHECK_INT(take_whole(REQUEST_BODY_LENGTH, 3, "abcGET ", &done), 3);
	CHECK(done);
	CHECK_INT(take_whole(REQUEST_BODY_LENGTH, 9, "abc", &done), 3);
	CHECK(!done);
	CHECK_INT(take_whole(REQUEST_BODY_CHUNKED, 0,
				  "3\r\nabc\r\n0a\r\n0123456789\r\n0\r\n\r\nGET", &done),
			29);
	CHECK(done);
	static const char *const bad[] = {"x", "\r\n", "3;x\r\n", "3 \r\n", "3\n", "3\r\nabcd",
			"0\r\nTrailer: x\r\n\r\n", "0x3\r\n", "-1\r\n", "1000000000000000\r\n"};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		CHECK_INT(take_whole(REQUEST_BODY_CHUNKED, 0, bad[i], &done), -EBADMSG);
	}
}

static void check_response(const char *head, const char *wanted)
{
	struct buffer out;
	buffer_init(&out, 65536);
	CHECK_INT(response_write(head, strlen(head), &out), 0);
	CHECK_BYTES(buffer_head(&out), buffer_length(&out), wanted, strlen(wanted));
	buffer_finish(&out);
}

TEST(answers_say_that_the_connection_ends)
{
	check_response("HTTP/1.1 200 OK\r\nKeep-Alive: 5\r\n x\r\nConnection: keep-alive\r\n"
		       "Transfer-Encoding: chunked\r\nProxy-Authenticate: Basic\r\nA: b\n\n",
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\n"
			"Connection: close\r\n\r\n");
	check_response("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: "
		       "upgrade\r\n\r\n",
			"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: "
			"Upgrade\r\n\r\n");
	check_response("HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n");
	static const char *const bad[] = {"", "HTTP/1.1 200", "HTTP/2 200 OK\r\n\r\n",
			"hello\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 020 OK\r\n\r\n"};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		CHECK_INT(response_status(bad[i], strlen(bad[i])), -EBADMSG);
	}
}

TEST(every_refusal_has_an_answer_of_the_length_it_says)
{
	for (int refusal = REFUSAL_SYNTAX; refusal <= REFUSAL_SLOW; refusal++) {
		struct target target = {.host = "a.example"};
		struct buffer out;
		buffer_init(&out, 65536);
		CHECK_INT(reply_write((enum refusal)refusal, &target, refusal % 2, &out), 0);
		CHECK_INT(buffer_append(&out, "", 1), 0);
		const char *text = (const char *)buffer_head(&out);
		const char *body = strstr(text, "\r\n\r\n");
		const char *length = strstr(text, "Content-Length: ");
		CHECK(body && length && strstr(body, "a.example"));
		CHECK_INT(strtol(length + 16, NULL, 10), (long)strlen(body + 4));
		buffer_finish(&out);
	}
}

TEST(a_rate_is_a_burst_and_a_refill)
{
	struct rate rate;
	rate_init(&rate, 2, 10, 1000);
	CHECK(rate_take(&rate, 1000) && rate_take(&rate, 1000) && !rate_take(&rate, 1000));
	CHECK(!rate_take(&rate, 1099));
	CHECK(rate_take(&rate, 1100));
	CHECK(rate_take(&rate, 99999) && rate_take(&rate, 99999) && !rate_take(&rate, 99999));
}
