/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pointer.c: normal and fat pointers, PM_R(), and what survives a restart.
 */
#include "support.h"

#define NODES 1000

struct node {
	struct node *next;
	PmFat fat_next;
	uint64_t value;
};

struct root {
	struct node *head;
	PmFat fat_head;
};

static void build_list(void *arg)
{
	struct root *r;
	struct node *n;
	int i;

	(void)arg;
	t_init("p");
	r = pm_root(sizeof *r);
	t_given(r);
	TX_START {
		for (i = 0; i < NODES; i++) {
			n = PM_NEW(struct node);
			t_given(n);
			n->value = (uint64_t)i;
			n->next = r->head;
			n->fat_next = r->fat_head;
			TX_SET(r->head, n);
			TX_SET(r->fat_head, pm_fat(n));
		}
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), 0);
}

static void walk_list(void)
{
	struct root *r = pm_root(0);
	struct node *n;
	PmFat fat;
	uint64_t i = NODES;

	t_given(r);
	fat = r->fat_head;
	for (n = r->head; n != NULL; n = n->next) {
		ck_assert_uint_eq(n->value, --i);
		ck_assert_ptr_eq(PM_R(n), n);
		ck_assert_ptr_eq(PM_R(fat), n);
		fat = n->fat_next;
	}
	ck_assert_uint_eq(i, 0);
	ck_assert_ptr_null(pm_direct(fat));
}

START_TEST(a_list_of_normal_and_fat_pointers_can_be_walked)
{
	build_list(NULL);
	walk_list();
}
END_TEST

START_TEST(pointers_survive_restarts_of_the_process)
{
	t_crash(build_list, NULL);
	t_ok(pm_init(t_config_open("p", 0)));
	walk_list();
	t_reopen("p");
	walk_list();
}
END_TEST

/* The address space is laid out anew by execve(); main() goes on there. */
START_TEST(pointers_survive_another_address_space_layout)
{
	char path[4096];
	pid_t pid;
	int i;

	t_exit(build_list, NULL);
	(void)snprintf(path, sizeof path, "%s", t_path("p"));
	for (i = 0; i < 3; i++) {
		pid = fork();
		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			execl("/proc/self/exe", "pointer", path, (char *)NULL);
			_exit(127);
		}
		t_wait_ok(pid);
	}
}
END_TEST

static int walk_as_another_program(const char *path)
{
	struct root *r;
	struct node *n;
	int i = 0;

	if (pm_init((PmWrapperConfig){ .path = path, .layout = "test",
				       .flags = PM_RDONLY }) != 0)
		return 2;
	r = pm_root(0);
	if (r == NULL)
		return 3;
	for (n = r->head; n != NULL && i <= NODES; n = n->next)
		i++;
	return i == NODES ? 0 : 4;
}

START_TEST(the_null_fat_pointer_is_null)
{
	PmFat null = PM_FAT_NULL;

	t_init("p");
	errno = 12345;
	ck_assert_ptr_null(pm_direct(null));
	ck_assert_int_eq(errno, 12345);
	ck_assert_uint_eq(pm_fat(NULL).region, 0);
	ck_assert_uint_eq(pm_fat(NULL).offset, 0);
	ck_assert_int_eq(errno, 12345);
	ck_assert_ptr_null(PM_R(null));
}
END_TEST

START_TEST(pm_r_of_a_normal_pointer_keeps_type_and_value)
{
	struct node *n;
	const struct node *c;

	t_init("p");
	n = PM_ZNEW(struct node);
	t_given(n);
	c = n;
	ck_assert(__builtin_types_compatible_p(__typeof__(PM_R(n)),
					       struct node *));
	ck_assert(__builtin_types_compatible_p(__typeof__(PM_R(c)),
					       const struct node *));
	ck_assert(__builtin_types_compatible_p(__typeof__(PM_R(n->fat_next)),
					       void *));
	ck_assert_ptr_eq(PM_R(n), n);
	ck_assert_uint_eq(PM_R(c)->value, 0);
	ck_assert_ptr_null(PM_R(n->next));
}
END_TEST

START_TEST(a_fat_pointer_names_region_and_offset)
{
	struct node *n;
	PmFat f;
	int a;

	t_init("p");
	a = t_init_sec("a");
	n = pm_alloc_in(a, sizeof *n);
	t_given(n);
	f = pm_fat(n);
	ck_assert_uint_eq(f.region, pm_region_id(a));
	ck_assert_ptr_eq(pm_direct(f), n);
	ck_assert_ptr_eq(PM_R(f), n);
	ck_assert_ptr_eq(PM_R(pm_fat(&n->value)), &n->value);
	ck_assert_uint_eq(pm_fat(&n->value).offset,
			  f.offset + offsetof(struct node, value));
}
END_TEST

START_TEST(a_fat_pointer_into_a_closed_region_is_null)
{
	PmFat f;
	int a;

	t_init("p");
	a = t_init_sec("a");
	f = pm_fat(pm_root_in(a, 64));
	ck_assert_uint_ne(f.region, 0);
	t_ok(pm_close_sec(a));
	t_null(pm_direct(f), ENXIO);
	t_null(PM_R(f), ENXIO);
}
END_TEST

START_TEST(a_fat_pointer_past_the_end_is_null)
{
	PmFat f;

	t_init("p");
	f = pm_fat(pm_root(64));
	f.offset = t_stats(PM_PRIMARY).size;
	t_null(pm_direct(f), EFAULT);
	f.offset = UINT64_MAX;
	t_null(pm_direct(f), EFAULT);
	f.offset = (uint64_t)1 << 34;
	t_null(pm_direct(f), EFAULT);
	f.region = 77;
	t_null(pm_direct(f), ENXIO);
}
END_TEST

START_TEST(a_pointer_outside_regions_has_no_fat_form)
{
	int local;
	PmFat f;

	t_init("p");
	errno = 0;
	f = pm_fat(&local);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert(f.region == 0 && f.offset == 0);
}
END_TEST

START_TEST(the_primary_lies_where_the_format_says)
{
	t_init("p");
	ck_assert_uint_eq((uintptr_t)pm_root(64) >> 44, 3);
	ck_assert_uint_eq((uintptr_t)pm_root(64) >> 34 & 1023, PM_PRIMARY);
}
END_TEST

START_TEST(fat_pointers_work_in_a_restarted_process)
{
	PmFat f;
	char *s;

	t_init("p");
	s = pm_strdup("a string that stays");
	t_given(s);
	f = pm_fat(s);
	t_reopen("p");
	s = PM_R(f);
	t_given(s);
	ck_assert_str_eq(s, "a string that stays");
}
END_TEST

#define MANY 260

/* Each is to be recorded in the entry of the first pointer to it. */
START_TEST(pointers_into_more_regions_than_a_lane_can_name_are_refused)
{
	void *root[MANY], **p;
	char name[16];
	int i, n;

	if (T_SANITIZED)	/* which may leave room for 15 regions */
		return;
	t_ok(pm_init(t_config_of("p", MIB, 0)));
	p = pm_root(MANY * sizeof *p);
	t_given(p);
	for (i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof name, "s%d", i);
		n = pm_init_sec(t_config_of(name, MIB, 0));
		ck_assert_msg(n > 1, "%s", pm_errormsg());
		root[i] = pm_root_in(n, 64);
		t_given(root[i]);
	}
	TX_START {
		for (i = 0; i < MANY; i++)
			TX_SET(p[i], root[i]);
	} TX_END
	ck_assert_int_eq(pm_tx_errno(), ENOSPC);
	for (i = 0; i < MANY; i++)
		ck_assert_ptr_null(p[i]);
	for (n = 0; n < MANY; n += MANY / 2) {
		TX_START {
			for (i = n; i < n + MANY / 2; i++)
				TX_SET(p[i], root[i]);
		} TX_END
		ck_assert_msg(pm_tx_errno() == 0, "%s", pm_errormsg());
	}
}
END_TEST

int main(int argc, char **argv)
{
	if (argc == 2)
		return walk_as_another_program(argv[1]);
	t_begin("pointer");
	t_add(a_list_of_normal_and_fat_pointers_can_be_walked, T_ANY);
	t_add(pointers_survive_restarts_of_the_process, T_KEEPS);
	t_add(pointers_survive_another_address_space_layout, T_KEEPS);
	t_add(the_null_fat_pointer_is_null, T_ANY);
	t_add(pm_r_of_a_normal_pointer_keeps_type_and_value, T_ANY);
	t_add(a_fat_pointer_names_region_and_offset, T_ANY);
	t_add(a_fat_pointer_into_a_closed_region_is_null, T_ANY);
	t_add(a_fat_pointer_past_the_end_is_null, T_ANY);
	t_add(a_pointer_outside_regions_has_no_fat_form, T_ANY);
	t_add(the_primary_lies_where_the_format_says, T_ANY);
	t_add(fat_pointers_work_in_a_restarted_process, T_KEEPS);
	t_add(pointers_into_more_regions_than_a_lane_can_name_are_refused,
	      T_ANY);
	return t_end();
}
