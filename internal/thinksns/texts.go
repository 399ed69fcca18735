package thinksns

import (
	"strconv"
	"strings"
)

// Sentences that clients show as they are, or compare (wire/thinksns.md §1.3).
const (
	textInvalid       = "提交的信息验证错误"
	textNameMissing   = "群组名称不能为空"
	textDescMissing   = "群组简介不能为空"
	textIDMissing     = "群组ID不能为空"
	textMembers       = "群成员不能为空"
	textUserGone      = "用户不存在或已经被删除"
	textFileGone      = "文件不存在或已经被使用"
	textNewOwnerGone  = "被转让用户不存在或已被删除"
	textSuccess       = "成功"
	textRegistered    = "注册成功"
	textNotSent       = "消息发送失败"
	textGroupGone     = "该群组不存在或已被删除"
	textNotEnabled    = "环信未开启或者配置信息不全"
	textForbidden     = "没有权限"
	textLoginWrong    = "账号或密码不正确"
	textNoAccount     = "账号还没有注册"
	textNoPhone       = "手机号还没有注册"
	textNoEmail       = "邮箱还没有注册"
	textCodeWrong     = "验证码错误或者已失效"
	textDisabled      = "账号已被禁用，请联系管理员"
	textLoggedOut     = "退出成功"
	textUploaded      = "上传成功"
	textUnauthorized  = "Unauthenticated."
	textTooMany       = "Too Many Attempts."
	textServerError   = "Server Error"
	textTooLarge      = "请求内容过大"
	textGroupFull     = "群成员数量超过上限"
	textTooManyGroups = "群组数量已达到上限"
	textOwnerStays    = "不能移除群主"
	textMaxUsersLow   = "群成员上限不能小于现有成员数"
	textClosed        = "注册已关闭"
	textTaken         = " 已经存在"   // behind the field's name
	textMalformed     = " 的格式不正确" // the same
	textLength        = " 的长度不正确" // the same
	textNotConfirmed  = "password 两次输入不一致"
	textOldPassword   = "旧密码不正确"
	textNoFile        = "没有上传的文件或者上传错误"
	textNotFound      = "文件不存在"

	// Of system messages, behind a name (wire/thinksns.md §3.9).
	textCreated  = "创建了群聊！"
	textChanged  = "修改了群信息！"
	textNewOwner = "已成为新群主！"
)

// name is a field as sentences write it.
func name(field string) string { return strings.ReplaceAll(field, "_", " ") }

func textRequired(field string) string { return name(field) + " 字段是必须的" }

func textString(field string) string { return name(field) + " 必须是一个字符串" }

func textInteger(field string) string { return name(field) + " 必须是个整数" }

func textBoolean(field string) string { return name(field) + " 字符必须是 true 或 false" }

func textArray(field string) string { return name(field) + "必须是一个数组" }

func textMax(field string, most int) string {
	return name(field) + " 的最大长度为 " + strconv.Itoa(most) + " 位"
}

func textMin(field string, least int) string {
	return name(field) + " 的最小长度为 " + strconv.Itoa(least) + " 位"
}

func textMaxLength(field string, most int) string {
	return name(field) + " 的最大长度为 " + strconv.Itoa(most) + " 字符"
}
