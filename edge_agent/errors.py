"""Everything this program refuses, under one root. A message names the thing, the value and the way out, never a person."""


class AgentError(Exception):
    """Root of all errors raised by `edge_agent`."""


class BadSettings(AgentError):
    """A settings file cannot be used; the agent does not start."""


class BadKey(AgentError):
    """A key or token file is missing, readable by others, or not what it should be."""


class EnrolmentFailed(AgentError):
    """This terminal was not enrolled, and nothing half done is in force. The same command may be given again."""


class VaultError(AgentError):
    """The encrypted store cannot be opened."""


class VaultDamaged(VaultError):
    """The file is not a store of this key, or its pages do not fit together."""


class VaultFull(AgentError):
    """The disk has no room for what should be stored; nothing of the transaction was kept."""


class ReceiptRefused(AgentError):
    """A validly signed receipt contradicts what this device wrote; nothing was deleted."""


class GalleryRefused(AgentError):
    """A validly signed gallery command cannot be applied as a whole; nothing of it was."""


class SourceError(AgentError):
    """A camera, file or folder cannot be opened as a source of pictures."""


class TillError(AgentError):
    """A request of the till that cannot be met. `code` is stable for programs, both texts are for people."""

    status = 400
    code = "bad_request"
    text_zh = "请求无效"


class UnknownWindow(TillError):
    """The request names a window that this agent does not have."""

    status = 404
    code = "unknown_window"
    text_zh = "未知的结算窗口"


class UnknownMsgid(TillError):
    """No session was ever started under this msgid."""

    status = 404
    code = "unknown_msgid"
    text_zh = "未找到该报文ID对应的会话"


class Conflict(TillError):
    """The same identifier was used before with other content."""

    status = 409
    code = "conflict"
    text_zh = "与已登记的内容不一致"


class TooManyOpen(TillError):
    """More sessions are open at one window than one clerk can serve: the till forgets to bind."""

    status = 429
    code = "too_many_open"
    text_zh = "未结束的会话过多"


class NoRoom(TillError):
    """The disk is full: the settlement goes on, but it cannot be recorded here."""

    status = 507
    code = "no_room"
    text_zh = "磁盘已满，无法登记；结算不受影响"
