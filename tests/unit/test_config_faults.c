/* Each kind of fault: where it is told to stand, and in which words. Every text has exactly the
 * faults beside it, in this order. */
#include <errno.h>

#include "config_fixture.h"

#define TOP "gateway: g\n"
#define LINKS                                               \
    TOP "links:\n"                                          \
        "  - {name: tcp, driver: modbus-tcp, address: h}\n" \
        "  - {name: rtu, driver: modbus-rtu, device: /dev/a, max_registers: 2}\n"
/* Ends on line 4: what follows begins on line 5. */
#define MACHINE LINKS "machines:\n  - {name: m, link: tcp, tags: [{name: t, at: 'holding:1'}]}\n"
#define TAG(keys) LINKS "machines: [{name: m, link: tcp, tags: [\n{name: t, " keys "}]}]\n"
#define LINK(keys) TOP "links: [\n{name: l, " keys "}]\n"
#define UPLINK(keys) TOP "uplinks: [\n{name: u, " keys "}]\n"

enum { MOST_FAULTS = 4 };

struct fault_case {
    const char *yaml;
    const char *faults[MOST_FAULTS];
};

static void expect_faults(struct config *config, const struct fault_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t expected = 0;
        while (expected < MOST_FAULTS && cases[i].faults[expected])
            expected++;
        int error = config_load_text(config, cases[i].yaml);
        if (config->faults.count != expected) {
            config_print_faults(config);
            fail_msg("%zu faults instead of %zu in:\n%s", config->faults.count, expected,
                     cases[i].yaml);
        }
        assert_int_equal(error, expected > 0 ? -EINVAL : 0);
        for (size_t k = 0; k < expected; k++)
            config_expect_fault(config, k, cases[i].faults[k]);
    }
}

#define EXPECT_FAULTS(state, cases) expect_faults(*(state), cases, sizeof(cases) / sizeof *(cases))

static void test_faults_of_the_outermost_keys(void **state)
{
    static const struct fault_case cases[] = {
        {"", {"plant.yaml:1:1: the configuration is empty"}},
        {"site: s\n", {"plant.yaml:1:1: gateway: missing in the configuration; expected the"}},
        {"- a\n", {"plant.yaml:1:1: a list stands here; expected \"key: value\""}},
        {"gateway: a b\n", {"plant.yaml:1:10: gateway: \"a b\" is no name; expected 1 to 64"}},
        {"gateway:\n", {"plant.yaml:1:9: gateway: nothing stands here; expected 1 to 64"}},
        {TOP "sit: x\n",
         {"plant.yaml:2:1: \"sit\" is no key of the configuration; did you mean "
          "\"site\"?"}},
        {TOP "colour: red\n",
         {"plant.yaml:2:1: \"colour\" is no key of the configuration; "
          "expected one of: uplinks links machines calendars lines gateway"}},
        {TOP "site: a\nsite: b\n", {"plant.yaml:3:1: \"site\" stands twice, first on line 2"}},
        {TOP "log: loud\n",
         {"plant.yaml:2:6: log: \"loud\" is unknown; expected error, warning, info or debug"}},
        {TOP "tick: 5\n",
         {"plant.yaml:2:7: tick: \"5\" has no unit; expected a duration such as "
          "500ms, 1s, 5m, 8h"}},
        {TOP "tick: 5 s\n", {"plant.yaml:2:7: tick: \"5 s\" is no duration; expected a duration"}},
        {TOP "tick: 0ms\n", {"plant.yaml:2:7: tick: \"0ms\" is out of range; expected 1ms to 1s"}},
        {TOP "tick: 2s\n", {"plant.yaml:2:7: tick: \"2s\" is out of range; expected 1ms to 1s"}},
        {TOP "tick: [1s]\n", {"plant.yaml:2:7: tick: a list stands here; expected a duration"}},
        {TOP "http: {listen: off}\n", {"plant.yaml:2:7: http: not supported yet"}},
        {TOP "links: x\n", {"plant.yaml:2:8: links: \"x\" is no list; expected a list"}},
        {TOP "machines: {}\n", {"plant.yaml:2:11: machines: a mapping stands here; expected a"}},
        {TOP "control: /tmp/\n", {"plant.yaml:2:10: control: \"/tmp/\" is no file's path"}},
    };

    EXPECT_FAULTS(state, cases);
}

static void test_faults_of_the_store(void **state)
{
    static const struct fault_case cases[] = {
        {TOP "store: x\n", {"plant.yaml:2:8: the store: \"x\" stands here; expected \"key: "}},
        {TOP "store: {size: 1GiB}\n", {"plant.yaml:2:9: \"size\" is no key of the store"}},
        {TOP "store: {max_size: 1000000}\n",
         {"plant.yaml:2:19: max_size: \"1000000\" has no unit; expected a size such as 64KiB"}},
        {TOP "store: {max_size: 1GB}\n", {"plant.yaml:2:19: max_size: \"1GB\" is no size"}},
        {TOP "store: {max_size: 64KiB}\n",
         {"plant.yaml:2:19: max_size: \"64KiB\" is out of range; expected 1MiB to 1TiB"}},
        {TOP "store: {commit_every: 5ms}\n",
         {"plant.yaml:2:23: commit_every: \"5ms\" is out of range; expected 10ms to 1m"}},
        {TOP "store: {durability: never}\n",
         {"plant.yaml:2:21: durability: \"never\" is unknown; expected always or outage"}},
        {TOP "store: {replay_window: 721h}\n", {"plant.yaml:2:24: replay_window: \"721h\" is out"}},
    };

    EXPECT_FAULTS(state, cases);
}

static void test_faults_of_uplinks(void **state)
{
    static const struct fault_case cases[] = {
        {TOP "uplinks: [{}]\n",
         {"plant.yaml:2:11: name: missing in an uplink; expected the",
          "plant.yaml:2:11: url: missing in an uplink; expected mqtt://"}},
        {UPLINK("url: http://h"),
         {"plant.yaml:3:16: url: \"http://h\" is no URL of a broker; expected mqtt://HOST"}},
        {UPLINK("url: 'mqtt://h:0'"), {"plant.yaml:3:16: url: \"mqtt://h:0\" is no URL"}},
        {UPLINK("url: mqtt://h/path"), {"plant.yaml:3:16: url: \"mqtt://h/path\" is no URL"}},
        {UPLINK("url: 'mqtt://a:b@h'"),
         {"plant.yaml:3:16: url: a URL with a user in it; expected"}},
        {UPLINK("url: 'ws://a:b@h'"), {"plant.yaml:3:16: url: a URL with a user in it; expected"}},
        {UPLINK("url: wss://h"), {"plant.yaml:3:16: url: \"wss://h\" is not supported yet"}},
        {UPLINK("url: ws://h"), {"plant.yaml:3:16: url: \"ws://h\" is not supported yet"}},
        {UPLINK("url: mqtt://h, proxy: http://p"), {"plant.yaml:3:33: proxy: not supported yet"}},
        {UPLINK("url: mqtt://h, payload: sparkplug"),
         {"plant.yaml:3:35: payload: \"sparkplug\" is not supported yet; expected json"}},
        {UPLINK("url: mqtt://h, payload: xml"), {"plant.yaml:3:35: payload: \"xml\" is unknown"}},
        {UPLINK("url: mqtt://h, mqtt: 4"),
         {"plant.yaml:3:32: mqtt: \"4\" is unknown; expected 5 or 3.1.1"}},
        {UPLINK("url: mqtt://h, gather: all"),
         {"plant.yaml:3:34: gather: \"all\" is unknown; expected machine or gateway"}},
        {UPLINK("url: mqtt://h, publish_every: 1ms"), {"plant.yaml:3:41: publish_every: \"1ms\""}},
        {UPLINK("url: mqtts://h, cert_file: c"),
         {"plant.yaml:3:27: cert_file: stands alone; expected key_file beside it"}},
        {UPLINK("url: mqtts://h, key_file: c"),
         {"plant.yaml:3:27: key_file: stands alone; expected cert_file beside it"}},
        {UPLINK("url: mqtt://h, password_file: c"),
         {"plant.yaml:3:26: password_file: stands alone; expected username beside it"}},
        {UPLINK("url: mqtt://h, ca_file: c"), {"plant.yaml:3:26: ca_file: of no use with mqtt://"}},
        {TOP "uplinks:\n  - {name: u, url: mqtt://h}\n  - {name: u, url: mqtt://i}\n",
         {"plant.yaml:4:12: name: \"u\" is taken already, at "}},
        {TOP "uplinks:\n  - {name: u, url: mqtt://h}\n  - {name: v, url: 'mqtt://H:1883'}\n",
         {"plant.yaml:4:5: client_id: \"g\" is taken at this broker already"}},
        {TOP "uplinks:\n  - {name: u, url: mqtt://h, client_id: c}\n"
             "  - {name: v, url: mqtt://h, client_id: c}\n",
         {"plant.yaml:4:41: client_id: \"c\" is taken at this broker already"}},
    };

    EXPECT_FAULTS(state, cases);
}

static void test_faults_of_topics(void **state)
{
    static const struct fault_case cases[] = {
        {UPLINK("url: mqtt://h, topic: a/#"),
         {"plant.yaml:3:33: topic: \"a/#\" has a wildcard in it; expected a topic of at most 200"}},
        {UPLINK("url: mqtt://h, topic: a/+/b"), {"plant.yaml:3:33: topic: \"a/+/b\" has a wild"}},
        {UPLINK("url: mqtt://h, topic: /a"), {"plant.yaml:3:33: topic: \"/a\" begins or ends"}},
        {UPLINK("url: mqtt://h, topic: a/"), {"plant.yaml:3:33: topic: \"a/\" begins or ends"}},
        {UPLINK("url: mqtt://h, topic: $SYS"), {"plant.yaml:3:33: topic: \"$SYS\" begins with $"}},
        {UPLINK("url: mqtt://h, topic: 'a/{machine}'"),
         {"plant.yaml:3:33: topic: \"a/{machine}\" has an unknown placeholder"}},
        {UPLINK("url: mqtt://h, topic: 'a/{site'"), {"plant.yaml:3:33: topic: \"a/{site\" has an"}},
        {UPLINK("url: mqtt://h, topic: \"a\\tb\""), {"plant.yaml:3:33: topic: \"a?b\" does not"}},
        {UPLINK("url: mqtt://h, topic: ''"), {"plant.yaml:3:33: topic: nothing stands here"}},
    };

    EXPECT_FAULTS(state, cases);
}

static void test_faults_of_links(void **state)
{
    static const struct fault_case cases[] = {
        {TOP "links: [{}]\n",
         {"plant.yaml:2:9: name: missing in a link; expected the link's name",
          "plant.yaml:2:9: driver: missing in a link; expected modbus-tcp"}},
        {TOP "links: [x]\n",
         {"plant.yaml:2:9: a link: \"x\" stands here; expected \"key: value\""}},
        {LINK("driver: modbus"),
         {"plant.yaml:3:19: driver: \"modbus\" is unknown; expected "
          "modbus-tcp, modbus-rtu, modbus-rtu-tcp, modbus-ascii, modbus-ascii-tcp, "
          "serial-text, serial-text-tcp or recording"}},
        {LINK("driver: recording"), {"plant.yaml:3:1: file: missing in a link"}},
        {LINK("driver: modbus-tcp, address: h, file: f, speed: 2, repeat: on"),
         {"plant.yaml:3:43: file: does not go with modbus-tcp; expected it with recording only",
          "plant.yaml:3:52: speed: does not go with modbus-tcp",
          "plant.yaml:3:62: repeat: does not go with modbus-tcp"}},
        {LINK("driver: modbus-tcp"), {"plant.yaml:3:1: address: missing in a link"}},
        {LINK("driver: modbus-rtu"), {"plant.yaml:3:1: device: missing in a link"}},
        {LINK("driver: modbus-tcp, adress: h"),
         {"plant.yaml:3:1: address: missing", "plant.yaml:3:31: \"adress\" is no key of a link; "
                                              "did you mean \"address\"?"}},
        {LINK("driver: modbus-tcp, address: 'h:70000'"),
         {"plant.yaml:3:40: address: \"h:70000\" is no address; expected a port from 1 to 65535"}},
        {LINK("driver: modbus-tcp, address: 1.2.3.456"),
         {"plant.yaml:3:40: address: \"1.2.3.456\" is no address; expected a host and a port"}},
        {LINK("driver: modbus-tcp, address: h, device: /dev/a, baud: 9600"),
         {"plant.yaml:3:43: device: does not go with modbus-tcp; expected an address",
          "plant.yaml:3:59: baud: does not go with modbus-tcp"}},
        {LINK("driver: modbus-rtu-tcp, address: h, format: 8N1, rs485: on"),
         {"plant.yaml:3:47: format: does not go with modbus-rtu-tcp",
          "plant.yaml:3:60: rs485: does not go with modbus-rtu-tcp"}},
        {LINK("driver: modbus-rtu, device: /dev/a, address: h"),
         {"plant.yaml:3:47: address: does not go with modbus-rtu; expected a device"}},
        {LINK("driver: modbus-rtu, device: ttyUSB0"),
         {"plant.yaml:3:39: device: \"ttyUSB0\" is no absolute path"}},
        {LINK("driver: modbus-rtu, device: /dev/a, baud: 9601"),
         {"plant.yaml:3:53: baud: \"9601\" is no baud rate; expected a rate of serial ports"}},
        {LINK("driver: modbus-rtu, device: /dev/a, format: 8N3"),
         {"plant.yaml:3:55: format: \"8N3\" is no format; expected data bits, parity"}},
        {LINK("driver: modbus-rtu, device: /dev/a, format: 7E1"),
         {"plant.yaml:3:55: format: \"7E1\" has 7 data bits; expected 8"}},
        {LINK("driver: modbus-ascii, address: h"),
         {"plant.yaml:3:1: device: missing in a link; expected one with modbus-ascii",
          "plant.yaml:3:33: address: does not go with modbus-ascii; expected a device"}},
        {LINK("driver: modbus-ascii-tcp, address: h, format: 7E1"),
         {"plant.yaml:3:49: format: does not go with modbus-ascii-tcp"}},
        {LINK("driver: modbus-rtu, device: /dev/a, rs485: maybe"),
         {"plant.yaml:3:54: rs485: \"maybe\" is unknown; expected on, off, true or false"}},
        {LINK("driver: modbus-tcp, address: h, timeout: 5ms, pause: 11s"),
         {"plant.yaml:3:52: timeout: \"5ms\" is out of range; expected 10ms to 1m",
          "plant.yaml:3:64: pause: \"11s\" is out of range; expected 0ms to 10s"}},
        {LINK("driver: modbus-tcp, address: h, max_registers: 126, gap: 126"),
         {"plant.yaml:3:58: max_registers: \"126\" is out of range; expected a whole number from "
          "1 to 125",
          "plant.yaml:3:68: gap: \"126\" is out of range; expected a whole number from 0 to 125"}},
        {LINK("driver: modbus-tcp, address: h, max_registers: 0, gap: x"),
         {"plant.yaml:3:58: max_registers: \"0\" is out", "plant.yaml:3:66: gap: \"x\" is no who"}},
        {LINKS "  - {name: tcp, driver: modbus-tcp, address: i}\n",
         {"plant.yaml:5:12: name: \"tcp\" is taken already, at "}},
        {LINKS "  - {name: x, driver: modbus-rtu, device: /dev/a}\n",
         {"plant.yaml:5:43: device: \"/dev/a\" is taken already, at "}},
    };

    EXPECT_FAULTS(state, cases);
}

static void test_faults_of_machines(void **state)
{
    static const struct fault_case cases[] = {
        {LINKS "machines: [{}]\n",
         {"plant.yaml:5:12: name: missing in a machine",
          "plant.yaml:5:12: link: missing in a machine; expected the n",
          "plant.yaml:5:12: tags: missing in a machine; expected a"}},
        {LINKS "machines: [{name: m, link: x, tags: [{name: t, at: 'coil:1'}]}]\n",
         {"plant.yaml:5:28: link: \"x\" is no link; expected the name of one under \"links\""}},
        {LINKS "machines: [{name: m, link: tcp, tags: []}]\n",
         {"plant.yaml:5:39: tags: nothing stands here; expected a list of at least one tag"}},
        {LINKS "machines: [{name: m, link: tcp, tags: }]\n", {"plant.yaml:5:39: tags: nothing"}},
        {LINKS "machines: [{name: m, link: tcp, tags: x}]\n",
         {"plant.yaml:5:39: tags: \"x\" is no "}},
        {LINKS "machines: [{name: m, profile: p, link: tcp, tags: [{name: t, at: 'coil:1'}]}]\n",
         {"plant.yaml:5:31: profile: \"p\" is no profile; expected a file of that name and .yaml"}},
        {LINKS "machines: [{name: m, parameters: {a: 1}, link: tcp,\n"
               "  tags: [{name: t, at: 'coil:1'}]}]\n",
         {"plant.yaml:5:22: parameters: stands alone; expected profile beside it"}},
        {LINKS "machines: [{name: m, link: tcp, unit: 256, tags: [{name: t, at: 'coil:1'}]}]\n",
         {"plant.yaml:5:39: unit: \"256\" is out of range; expected a whole number from 0 to 255"}},
        {LINKS "machines: [{name: m, link: rtu, unit: 0, tags: [{name: t, at: 'coil:1'}]}]\n",
         {"plant.yaml:5:39: unit: \"0\" is out of range; expected a whole number from 1 to 247"}},
        {LINKS "machines: [{name: m, link: rtu, unit: 248, tags: [{name: t, at: 'coil:1'}]}]\n",
         {"plant.yaml:5:39: unit: \"248\" is out of range"}},
        {LINKS "machines: [{name: m, link: tcp, every: 25h, tags: [{name: t, at: 'coil:1'}]}]\n",
         {"plant.yaml:5:40: every: \"25h\" is out of range; expected 10ms to 24h"}},
        {LINKS "machines: [{name: m, link: tcp, every: 10ms, tags: [{name: t, at: 'coil:1'}]}]\n",
         {"plant.yaml:5:40: every: \"10ms\" is shorter than the tick; expected 20ms or longer"}},
        {MACHINE "  - {name: m, link: tcp, tags: [{name: t, at: 'coil:1'}]}\n",
         {"plant.yaml:7:12: name: \"m\" is taken already, at "}},
        /* A link that is at fault itself is not missing. */
        {TOP "links: [{name: l, driver: x}]\n"
             "machines: [{name: m, link: l, tags: [{name: t, at: 'coil:1'}]}]\n",
         {"plant.yaml:2:27: driver: \"x\" is unknown"}},
    };

    EXPECT_FAULTS(state, cases);
}

static void test_faults_of_tags(void **state)
{
    static const struct fault_case cases[] = {
        {TAG("type: u16"), {"plant.yaml:6:1: at: missing in a tag; expected an address such as"}},
        {TAG("at: 'holding:65536'"),
         {"plant.yaml:6:15: at: \"holding:65536\" is no address; "
          "expected a zero-based address from 0 to 65535"}},
        {TAG("at: 'coil:1.2'"), {"plant.yaml:6:15: at: \"coil:1.2\" is no address"}},
        {TAG("at: 40001"), {"plant.yaml:6:15: at: \"40001\" is no address; expected holding:N"}},
        {TAG("at: 'holding:65535', type: u32"),
         {"plant.yaml:6:15: at: \"holding:65535\" leaves too little room; expected 2 words of "
          "u32"}},
        {TAG("at: 'holding:1', type: u33"),
         {"plant.yaml:6:34: type: \"u33\" is no type; expected bool u16 s16"}},
        {TAG("at: 'holding:1', type: string"),
         {"plant.yaml:6:34: type: \"string\" is no type; "
          "expected string:N with N from 1 to 250"}},
        {TAG("at: 'coil:1', type: u16"),
         {"plant.yaml:6:31: type: \"u16\" does not fit in a bit; expected bool for coil"}},
        {TAG("at: 'holding:1.3', type: s16"),
         {"plant.yaml:6:36: type: \"s16\" does not fit in a bit; expected bool for a bit of a"}},
        {TAG("at: 'coil:1', order: ABCD"),
         {"plant.yaml:6:32: order: \"ABCD\" orders the bytes of"}},
        {TAG("at: 'holding:1', type: u32, order: ABDC"),
         {"plant.yaml:6:46: order: \"ABDC\" is no order; expected ABCD CDAB BADC DCBA"}},
        {TAG("at: 'holding:1', type: u32, order: HGFEDCBA"),
         {"plant.yaml:6:46: order: \"HGFEDCBA\" is an order of eight bytes"}},
        {TAG("at: 'holding:1', type: 'string:4', order: CDAB"),
         {"plant.yaml:6:53: order: \"CDAB\" does not go with a string; expected ABCD or BADC"}},
        {TAG("at: 'holding:1', type: 'string:4', scale: 2, offset: 1, deadband: 1"),
         {"plant.yaml:6:46: scale: does not go with a string", "plant.yaml:6:56: offset: does not",
          "plant.yaml:6:67: deadband: does not go with a string"}},
        {TAG("at: 'holding:1.0', scale: 2"), {"plant.yaml:6:30: scale: does not go with a bool"}},
        {TAG("at: 'holding:1', scale: 1e3"),
         {"plant.yaml:6:35: scale: \"1e3\" is no decimal number; expected a decimal number"}},
        {TAG("at: 'holding:1', scale: 0.0"), {"plant.yaml:6:35: scale: \"0.0\" would make every"}},
        {TAG("at: 'holding:1', offset: x"),
         {"plant.yaml:6:36: offset: \"x\" is no decimal number"}},
        {TAG("at: 'holding:1', deadband: -1"), {"plant.yaml:6:38: deadband: \"-1\" is negative"}},
        {TAG("at: 'holding:1', deadband: nan"), {"plant.yaml:6:38: deadband: \"nan\" is no deci"}},
        {TAG("at: 'holding:1', every: 15ms"),
         {"plant.yaml:6:35: every: \"15ms\" is shorter than "}},
        {TAG("at: 'holding:1', heartbeat: 25h"), {"plant.yaml:6:39: heartbeat: \"25h\" is out of"}},
        {TAG("at: 'holding:1', title: {en: x, fr: y}"),
         {"plant.yaml:6:43: \"fr\" is no key of a title"}},
        {TAG("at: 'holding:1', title: {en: }"), {"plant.yaml:6:40: en: nothing stands here"}},
        {TAG("at: 'holding:1', range: 5"),
         {"plant.yaml:6:35: range: \"5\" is no range; expected a list of the lowest and the"}},
        {TAG("at: 'holding:1', range: [5]"), {"plant.yaml:6:35: range: a list stands here"}},
        {TAG("at: 'holding:1', range: [5, x]"),
         {"plant.yaml:6:39: range: \"x\" is no decimal number"}},
        {TAG("at: 'holding:1', range: [5, 5.0]"),
         {"plant.yaml:6:35: range: the first number is not the lower one; expected [LOWEST"}},
        {TAG("at: 'coil:1', range: [0, 1]"), {"plant.yaml:6:25: range: does not go with a bool"}},
        {TAG("at: 'holding:1', unit: "), {"plant.yaml:6:34: unit: nothing stands here"}},
        {TAG("at: 'holding:1', writable: true"), {"plant.yaml:6:28: \"writable\" is no key of a"}},
        {TAG("at: 'coil:1'},\n{name: t, at: 'coil:2'"), {"plant.yaml:7:8: name: \"t\" is taken"}},
        {LINKS "machines: [{name: m, link: rtu, tags: [\n{name: t, at: 'input:1', type: f64}]}]\n",
         {"plant.yaml:6:15: at: \"input:1\" takes more words than a request may; expected at most "
          "the 2"}},
        {LINKS "machines:\n- name: m\n  link: tcp\n  every: 9s\n  tags:\n"
               "  - {name: a, at: 'coil:1', every: 1s}\n  - {name: b, at: 'coil:1', every: 2s}\n"
               "  - {name: c, at: 'coil:1', every: 3s}\n  - {name: d, at: 'coil:1', every: 4s}\n"
               "  - {name: e, at: 'coil:1', every: 5s}\n  - {name: f, at: 'coil:1', every: 6s}\n"
               "  - {name: g, at: 'coil:1', every: 7s}\n  - {name: h, at: 'coil:1', every: 8s}\n"
               "  - {name: i, at: 'coil:1', every: 8s}\n  - {name: j, at: 'coil:1'}\n",
         {"plant.yaml:19:5: every: 9s is one period too many; expected at most 8 a machine"}},
    };

    EXPECT_FAULTS(state, cases);
}

static void test_fault_under_an_anchor_is_told_once(void **state)
{
    static const struct fault_case cases[] = {
        {LINKS "machines:\n"
               "  - {name: a, link: tcp, tags: &t [{name: t, at: 'x'}]}\n"
               "  - {name: b, link: tcp, tags: *t}\n",
         {"plant.yaml:6:50: at: \"x\" is no address"}},
    };

    EXPECT_FAULTS(state, cases);
}

static void test_paths_too_long_for_a_socket_are_faults(void **state)
{
    char yaml[512];
    char name[] =
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaa"; /* 102 bytes */
    struct config *config = *state;

    assert_int_equal(strlen(name), 102);
    snprintf(yaml, sizeof yaml, TOP "store: {path: /%s}\n", name);
    assert_int_equal(config_load_text(config, yaml), -EINVAL);
    config_expect_fault(config, 0,
                        "plant.yaml:2:15: is too long for the socket beside it; "
                        "expected at most 102 bytes");
    snprintf(yaml, sizeof yaml, TOP "store: {path: /%s}\n", name + 1);
    assert_int_equal(config_load_text(config, yaml), 0);
    snprintf(yaml, sizeof yaml, TOP "control: /%s%s\n", name, "123456");
    assert_int_equal(config_load_text(config, yaml), -EINVAL);
    config_expect_fault(config, 0,
                        "plant.yaml:2:10: is too long for a socket; expected at most "
                        "107 bytes");
    snprintf(yaml, sizeof yaml, TOP "control: /%s%s\n", name, "1234");
    assert_int_equal(config_load_text(config, yaml), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults_of_the_outermost_keys),
        cmocka_unit_test(test_faults_of_the_store),
        cmocka_unit_test(test_faults_of_uplinks),
        cmocka_unit_test(test_faults_of_topics),
        cmocka_unit_test(test_faults_of_links),
        cmocka_unit_test(test_faults_of_machines),
        cmocka_unit_test(test_faults_of_tags),
        cmocka_unit_test(test_fault_under_an_anchor_is_told_once),
        cmocka_unit_test(test_paths_too_long_for_a_socket_are_faults),
    };
    return cmocka_run_group_tests(tests, config_set_up, config_tear_down);
}
