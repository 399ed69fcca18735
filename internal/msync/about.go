package msync

import (
	"teahouse/internal/im"
	"teahouse/internal/msync/pb"
)

// about says something about another message: a receipt, that it is withdrawn, or that it says something else now (wire/msync.md
// §11).
func (c *conn) about(meta *pb.Meta, said pb.Said, to im.Address, client string) (answer, operation, error) {
	s := c.srv.service
	receipt := im.NewReceipt{Device: c.device, Client: client, Of: said.Acked, To: to, Text: said.AckText}
	switch said.Type {
	case pb.MessageBody_RECALL:
		note, err := s.Recall(c.ctx, c.self, said.Acked, im.Recalling{To: to, Device: c.device, Client: client, Ext: recallExt(meta)})
		return answer{id: note.ID}, opRecall, err
	case pb.MessageBody_EDIT:
		return c.edit(meta, said, client)
	case pb.MessageBody_DELIVER_ACK:
		receipt.Kind = im.ReceiptDelivered
	case pb.MessageBody_READ_ACK:
		receipt.Kind = im.ReceiptRead
	case pb.MessageBody_CHANNEL_ACK:
		receipt.Kind = im.ReceiptAllRead
	default:
		return answer{}, opSend, im.ErrUnsupported
	}
	id, err := s.Receipt(c.ctx, c.self, receipt)
	return answer{id: id}, opSend, err
}

// recallExt is what a withdrawal says besides.
func recallExt(meta *pb.Meta) string {
	for _, kv := range meta.GetExt() {
		if kv.GetKey() == "recallMessageExtensionInfo" {
			return readable(kv.GetStringValue())
		}
	}
	return ""
}

// edit gives a message another content. The acknowledgement tells of the edit, in a Meta of the name space NOTIFY.
func (c *conn) edit(meta *pb.Meta, said pb.Said, client string) (answer, operation, error) {
	r := im.Rewriting{Device: c.device, Client: client}
	if t := said.Body.Type; t == im.TextBody || t == im.CustomBody { // of others the content is said again, and only the extension is new
		r.Body = said.Body
	}
	if said.Scope == pb.MessageBody_BODY_AND_EXT {
		r.Ext, r.NewExt = said.Ext, true
	}
	m, err := c.srv.service.Rewrite(c.ctx, c.self, said.Edited, r)
	if err != nil {
		return answer{}, opEdit, err
	}
	return answer{id: m.ID, metas: [][]byte{pb.AppendEditNotice(nil, c.caller.App.Key, im.MessageID(meta.GetId()), &m)}}, opEdit, nil
}
